"""``/providers``: configurations, whose secrets go in and never come out."""

from typing import Any

import pytest

from notify.manage.providers import MASK
from notify.store import vault
from tests import factories
from tests.integration.harness import Api, Database, Pipeline
from tests.servers import ProviderLab
from tests.servers.vendors import SENDGRID_KEY

SENDGRID = {"api_key": SENDGRID_KEY, "from_address": factories.SENDER}


def _create(api: Api, **fields: Any) -> dict[str, Any]:
    answer = api.post("/providers", {"provider": "sendgrid", "settings": SENDGRID, **fields})
    assert answer.status_code == 201, answer.text
    created: dict[str, Any] = answer.json()
    return created


def test_a_provider_is_configured_and_read(api: Api) -> None:
    created = _create(api, alias="main", title="Our SendGrid")
    assert created == {
        "id": created["id"],
        "created": created["created"],
        "provider": "sendgrid",
        "alias": "main",
        "title": "Our SendGrid",
        "settings": {"api_key": MASK, "from_address": factories.SENDER},
    }
    assert api.get(f"/providers/{created['id']}").json() == created


def test_secrets_are_in_no_answer(api: Api) -> None:
    created = _create(api)
    path = f"/providers/{created['id']}"
    body = {"provider": "sendgrid", "settings": {**SENDGRID, "api_key": MASK}}
    answers = [api.get(path), api.get("/providers"), api.put(path, body)]
    assert all(SENDGRID_KEY not in answer.text and MASK in answer.text for answer in answers)


def test_secrets_are_encrypted_at_rest(api: Api, database: Database) -> None:
    api.configure(
        "webhook", {"url": "https://example.com", "headers": {"X-Token": "s3cret"}, "token": "t0ken"}
    )
    (row,) = database("SELECT settings, secrets FROM provider")
    assert row["settings"] == {"url": "https://example.com"}
    assert b"s3cret" not in row["secrets"]
    assert vault.unseal(row["secrets"]) == {"headers": {"X-Token": "s3cret"}, "token": "t0ken"}
    everything = database.one("SELECT string_agg(provider::text, '') FROM provider")
    assert "s3cret" not in everything
    assert "t0ken" not in everything


def test_a_mask_sent_back_keeps_the_secret(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab
) -> None:
    id_ = api.configure("sendgrid", factories.sendgrid(lab))
    shown = api.get(f"/providers/{id_}").json()
    changed = {**shown["settings"], "from_name": "Us"}
    answer = api.put(f"/providers/{id_}", {"provider": "sendgrid", "settings": changed, "title": "New"})
    assert (answer.status_code, answer.json()["title"]) == (200, "New")
    assert answer.json()["updated"] >= shown["created"]
    sent = api.send()
    pipeline.drain()
    assert api.message(sent)["status"] == "SENT"
    assert lab.requests[0].headers["authorization"] == f"Bearer {SENDGRID_KEY}"


def test_a_replacement_drops_what_it_leaves_out(api: Api) -> None:
    created = _create(api, alias="main", settings={**SENDGRID, "from_name": "Us"})
    answer = api.put(f"/providers/{created['id']}", {"provider": "sendgrid", "settings": SENDGRID})
    assert "alias" not in answer.json()
    assert "from_name" not in answer.json()["settings"]


def test_a_mask_where_no_secret_is_stored_is_refused(api: Api) -> None:
    id_ = api.configure("smtp", {"host": "localhost", "from_address": factories.SENDER})
    body = {"provider": "smtp", "settings": {"host": "localhost", "from_address": factories.SENDER}}
    body["settings"] |= {"username": "ada", "password": MASK}  # type: ignore[operator]
    assert api.put(f"/providers/{id_}", body).status_code == 400


def test_a_provider_is_deleted(api: Api) -> None:
    id_ = _create(api)["id"]
    answer = api.delete(f"/providers/{id_}")
    assert (answer.status_code, answer.content) == (204, b"")
    for again in (api.get(f"/providers/{id_}"), api.delete(f"/providers/{id_}")):
        assert (again.status_code, again.json()["type"]) == (404, "not_found")


@pytest.mark.parametrize("id_", ["4a7f9d52-6f0c-4e0e-9d6a-0f3b7c1e2d88", "nonsense", "a%2Fb"])
def test_what_does_not_exist_is_404(api: Api, id_: str) -> None:
    body = {"provider": "sendgrid", "settings": SENDGRID}
    calls = api.get(f"/providers/{id_}"), api.put(f"/providers/{id_}", body), api.delete(f"/providers/{id_}")
    assert [answer.status_code for answer in calls] == [404] * 3


def test_the_worlds_have_providers_of_their_own(api: Api, sandbox: Api) -> None:
    id_ = _create(api)["id"]
    assert sandbox.get("/providers").json() == {"paging": {"more": False}, "results": []}
    assert sandbox.get(f"/providers/{id_}").status_code == 404
    assert sandbox.delete(f"/providers/{id_}").status_code == 404
    assert api.get(f"/providers/{id_}").status_code == 200


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"provider": "nonesuch"}, "provider: 'nonesuch' is not known"),
        ({"provider": "sendgrid", "settings": {}}, "settings.api_key"),
        ({"provider": "sendgrid", "settings": {**SENDGRID, "api_key": ""}}, "settings.api_key"),
        ({"provider": "smtp", "settings": {"host": "a b", "port": 0, "from_address": "x"}}, "settings.port"),
        ({"provider": "sendgrid", "settings": {**SENDGRID, "base_url": "file:///etc"}}, "settings.base_url"),
        (
            {"provider": "sendgrid", "settings": {**SENDGRID, "from_address": "a\r\nb: c"}},
            "settings.from_address",
        ),
        ({"settings": {}}, "provider: Field required"),
        ({"provider": "sendgrid", "settings": []}, "settings"),
        ({"provider": "sendgrid", "alias": "x" * 101, "settings": SENDGRID}, "alias"),
    ],
)
def test_wrong_settings_are_refused_by_name(api: Api, body: dict[str, Any], said: str) -> None:
    answer = api.post("/providers", body)
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request_error")
    assert said in answer.json()["message"]
    assert SENDGRID_KEY not in answer.text


def test_an_alias_belongs_to_one_configuration_of_a_provider(api: Api, sandbox: Api) -> None:
    _create(api, alias="main")
    other = _create(api, alias="other")
    _create(sandbox, alias="main")
    clash = {"provider": "sendgrid", "settings": SENDGRID, "alias": "main"}
    for answer in (api.post("/providers", clash), api.put(f"/providers/{other['id']}", clash)):
        assert (answer.status_code, answer.json()["type"]) == (409, "conflict")
        assert answer.headers["x-should-retry"] == "false"


def test_a_configuration_stays_with_its_provider(api: Api) -> None:
    id_ = _create(api)["id"]
    answer = api.put(f"/providers/{id_}", {"provider": "sandbox", "settings": {}})
    assert (answer.status_code, "sendgrid" in answer.json()["message"]) == (400, True)


def test_the_list_is_paged_in_order_of_priority(api: Api) -> None:
    ids = [api.configure("sandbox", title=f"number {number}") for number in range(103)]
    first = api.get("/providers").json()
    assert (first["paging"]["more"], len(first["results"])) == (True, 100)
    api.delete(f"/providers/{ids[0]}")
    second = api.get("/providers", params={"cursor": first["paging"]["cursor"]}).json()
    assert second["paging"] == {"more": False}
    assert [row["id"] for row in first["results"] + second["results"]] == ids


def test_a_post_under_a_key_configures_once(api: Api) -> None:
    body = {"provider": "sendgrid", "settings": SENDGRID}
    answers = [api.post("/providers", body, idempotency_key="k") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(api.get("/providers").json()["results"]) == 1
    assert SENDGRID_KEY not in answers[1].text


def test_a_change_counts_from_the_next_send(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    id_ = api.configure("sendgrid", factories.sendgrid(lab))
    api.send()
    pipeline.drain()
    settings = {**factories.sendgrid(lab), "from_address": "other@example.com"}
    api.put(f"/providers/{id_}", {"provider": "sendgrid", "settings": settings})
    api.send()
    pipeline.drain()
    senders = [request.json()["from"]["email"] for request in lab.requests]
    assert senders == [factories.SENDER, "other@example.com"]
