"""``/notifications``: templates, whose drafts are edited and whose published versions are sent."""

from typing import Any

import pytest
import requests

from tests import factories
from tests.integration.harness import Api

ONE = factories.blocks(email=("one", "."))
TWO = factories.blocks(email=("two", "."))


def _body(content: dict[str, Any] = ONE, state: str | None = None, **fields: Any) -> dict[str, Any]:
    notification = factories.template(content, **fields)
    return {"notification": notification} if state is None else {"notification": notification, "state": state}


def _without_ids(content: dict[str, Any]) -> dict[str, Any]:
    """Every element has got an id of its own."""
    elements = [_without_ids(one) for one in content.get("elements", ())]
    rest = {key: value for key, value in content.items() if key != "id"}
    return {**rest, "elements": elements} if elements else rest


def _title(answer: requests.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["content"]["elements"][0]["elements"][0]["title"])


def test_a_template_is_a_draft_at_first(api: Api) -> None:
    created = api.post("/notifications", _body(tags=["news"], alias="welcome"))
    assert created.status_code == 201
    shown = created.json()
    told = {**shown, "content": _without_ids(shown["content"])}
    assert {key: told[key] for key in ("state", "name", "tags", "alias", "brand", "content")} == {
        "state": "DRAFT",
        "name": "Welcome",
        "tags": ["news"],
        "alias": "welcome",
        "brand": None,
        "content": ONE,
    }
    path = f"/notifications/{shown['id']}"
    assert api.get(path).status_code == 404
    assert api.get(path, params={"version": "draft"}).json() == shown


@pytest.mark.parametrize("state", ["PUBLISHED", "published"])
def test_a_template_may_be_published_at_once(api: Api, state: str) -> None:
    shown = api.post("/notifications", _body(state=state)).json()
    assert shown["state"] == "PUBLISHED"
    assert _title(api.get(f"/notifications/{shown['id']}")) == "one"


def test_drafts_and_versions_live_apart(api: Api) -> None:
    path = f"/notifications/{api.template(ONE, state='DRAFT')}"
    assert api.post(f"{path}/publish").status_code == 204
    assert api.put(path, _body(TWO)).json()["state"] == "DRAFT"
    assert (_title(api.get(path)), _title(api.get(f"{path}?version=draft"))) == ("one", "two")
    answer = api.post(f"{path}/publish", {})
    assert (answer.status_code, answer.content) == (204, b"")
    assert _title(api.get(path)) == "two"
    assert [_title(api.get(f"{path}?version={name}")) for name in ("v001", "v002")] == ["one", "two"]


def test_an_old_version_published_again_is_a_new_one(api: Api) -> None:
    path = f"/notifications/{api.template(ONE)}"
    api.put(path, _body(TWO, "PUBLISHED"))
    assert api.post(f"{path}/publish", {"version": "v001"}).status_code == 204
    versions = [_title(api.get(f"{path}?version={name}")) for name in ("v001", "v002", "v003", "published")]
    assert versions == ["one", "two", "one", "one"]
    assert _title(api.get(f"{path}?version=draft")) == "two"


@pytest.mark.parametrize("version", ["v009", "v0", "latest", "", "v99999999999", "1"])
def test_a_version_that_does_not_exist(api: Api, version: str) -> None:
    path = f"/notifications/{api.template(ONE)}"
    answer = api.get(path, params={"version": version})
    assert (answer.status_code, answer.json()["type"]) == (404, "not_found")
    if version:
        assert api.post(f"{path}/publish", {"version": version}).status_code == 404


def test_an_alias_that_is_taken(api: Api, sandbox: Api) -> None:
    api.template(alias="welcome")
    other = api.template(alias="bye")
    assert sandbox.template(alias="welcome")
    clashes = (
        api.post("/notifications", _body(alias="welcome")),
        api.put(f"/notifications/{other}", _body(alias="welcome")),
    )
    for answer in clashes:
        assert (answer.status_code, answer.json()["type"]) == (409, "conflict")
        assert answer.headers["x-should-retry"] == "false"


def test_an_alias_stays_unless_it_is_changed(api: Api) -> None:
    path = f"/notifications/{api.template(alias='welcome')}"
    aliases = [
        api.put(path, _body(**fields)).json().get("alias")
        for fields in ({}, {"alias": "hi"}, {"alias": None})
    ]
    assert aliases == ["welcome", "hi", None]
    assert api.template(alias="welcome")


def test_an_archived_template_is_gone_and_its_alias_free(api: Api) -> None:
    id_ = api.template(alias="welcome")
    answer = api.delete(f"/notifications/{id_}")
    assert (answer.status_code, answer.content) == (204, b"")
    gone = (
        api.get(f"/notifications/{id_}"),
        api.delete(f"/notifications/{id_}"),
        api.put(f"/notifications/{id_}", _body()),
        api.post(f"/notifications/{id_}/publish"),
    )
    assert [(answer.status_code, answer.json()["type"]) for answer in gone] == [(404, "not_found")] * 4
    assert api.get("/notifications").json()["results"] == []
    assert api.template(alias="welcome") != id_


def test_the_worlds_have_templates_of_their_own(api: Api, sandbox: Api) -> None:
    id_ = api.template()
    assert sandbox.get(f"/notifications/{id_}").status_code == 404
    assert sandbox.delete(f"/notifications/{id_}").status_code == 404
    assert sandbox.get("/notifications").json()["results"] == []
    assert api.get(f"/notifications/{id_}").status_code == 200


def test_the_list_is_paged_newest_first(api: Api) -> None:
    ids = [api.template(state="DRAFT", name=f"number {number}") for number in range(102)]
    first = api.get("/notifications").json()
    assert (first["paging"]["more"], len(first["results"])) == (True, 100)
    api.template(name="while paging")
    second = api.get("/notifications", params={"cursor": first["paging"]["cursor"]}).json()
    assert second["paging"] == {"more": False}
    assert [row["id"] for row in first["results"] + second["results"]] == ids[::-1]
    assert first["results"][0] == {**first["results"][0], "name": "number 101", "state": "DRAFT", "tags": []}


@pytest.mark.parametrize("missing", ["name", "tags", "brand", "subscription", "routing", "content"])
def test_every_key_must_be_there(api: Api, missing: str) -> None:
    body = _body()
    del body["notification"][missing]
    for answer in (api.post("/notifications", body), api.put(f"/notifications/{api.template()}", body)):
        assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request_error")
        assert f"notification.{missing}" in answer.json()["message"]


def _with_elements(*elements: Any) -> dict[str, Any]:
    return {"version": "2022-01-01", "elements": list(elements)}


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"content": {"title": "a", "body": "b"}}, "notification.content.version"),
        ({"content": _with_elements({"type": "text", "content": "flat"})}, "inside a channel block"),
        ({"content": factories.blocks(email=("{{ x", "."))}, "line 1"),
        ({"content": _with_elements({"type": "channel", "elements": []})}, "elements[0].channel is required"),
        ({"content": {"version": "2022-01-01", "elements": {}}}, "elements must be a list"),
        ({"routing": {"strategy_id": "rs_1"}}, "Routing strategy rs_1 not found"),
        ({"alias": "tenant/x"}, "alias"),
        ({"alias": ""}, "alias"),
        ({"name": "nul\0"}, "NUL"),
        ({"tags": "a"}, "tags"),
        ({"name": None}, "name"),
    ],
)
def test_a_malformed_template_is_refused_by_name(api: Api, fields: dict[str, Any], said: str) -> None:
    answer = api.post("/notifications", {"notification": {**factories.template(), **fields}})
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request_error")
    assert said in answer.json()["message"]


def test_a_replacement_may_be_flat(api: Api) -> None:
    path = f"/notifications/{api.template()}"
    flat = _with_elements({"type": "text", "content": "flat"})
    assert _without_ids(api.put(path, _body(flat, "PUBLISHED")).json()["content"]) == flat


@pytest.mark.parametrize("state", ["ARCHIVED", 1, None])
def test_an_unknown_state_is_refused(api: Api, state: Any) -> None:
    answer = api.post("/notifications", {**_body(), "state": state})
    assert (answer.status_code, "state" in answer.json()["message"]) == (400, True)


def test_a_post_under_a_key_creates_once(api: Api) -> None:
    answers = [api.post("/notifications", _body(name=name), idempotency_key="k") for name in ("one", "two")]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert len(api.get("/notifications").json()["results"]) == 1


def test_a_publish_under_a_key_publishes_once(api: Api) -> None:
    path = f"/notifications/{api.template(ONE)}"
    answers = [api.post(f"{path}/publish", None, idempotency_key="k") for _ in range(2)]
    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 2
    assert api.get(f"{path}?version=v002").status_code == 200
    assert api.get(f"{path}?version=v003").status_code == 404


def test_a_conflict_is_not_what_a_key_remembers(api: Api) -> None:
    id_ = api.template(alias="welcome")
    assert api.post("/notifications", _body(alias="welcome"), idempotency_key="k").status_code == 409
    api.delete(f"/notifications/{id_}")
    assert api.post("/notifications", _body(alias="welcome"), idempotency_key="k").status_code == 201
