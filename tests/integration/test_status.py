"""Status, reason, error, times, providers and history: the rows of the tables in the delivery rules."""

from datetime import datetime
from itertools import combinations, permutations, product
from typing import Any

import pytest

from notify import clock
from notify.model.status import ALLOWED_FROM, FINAL, HISTORY_TYPES, REACHED, Reason, Status
from notify.model.work import Stage
from notify.pipeline.answered import MAX_BODY
from notify.store import db, messages
from notify.store.messages import StatusChange
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time, row_ids
from tests.servers import MailLab, ProviderLab, Reply
from tests.servers.vendors import SENDGRID_KEY

BOTH = {"email": factories.ADA, "phone_number": factories.PHONE}
EMAIL = {"method": "single", "channels": ["email"]}


@pytest.fixture
def sendgrid(api: Api, lab: ProviderLab) -> str:
    return api.configure("sendgrid", factories.sendgrid(lab))


# --- situation -> status, reason, error ----------------------------------------------------------

SITUATIONS: dict[str, tuple[dict[str, Any], tuple[str, str | None, str | None]]] = {
    "template without providers": (
        {"routing": {"method": "single", "channels": ["push"]}},
        ("UNROUTABLE", "NO_PROVIDERS", "No providers added"),
    ),
    "listed providers not configured": (
        {"channels": {"email": {"providers": ["twilio", "slack"]}}, "routing": EMAIL},
        (
            "UNROUTABLE",
            "PROVIDER_ERROR",
            "None of provider(s) twilio,slack is configured for channel email.",
        ),
    ),
    "inbox without its provider": (
        {"to": {"user_id": "ada"}, "routing": {"method": "single", "channels": ["inbox"]}},
        ("UNROUTABLE", None, None),
    ),
    "profile key missing": (
        {"to": {"phone_number": factories.PHONE}, "routing": EMAIL},
        ("UNROUTABLE", "PROVIDER_ERROR", "Information required by the provider was not included."),
    ),
    "no contact data at all": (
        {"to": {"user_id": "nobody"}},
        ("UNROUTABLE", "NO_CHANNELS", "The recipient has no address for any channel."),
    ),
    "a condition removed every channel": (
        {"routing": {"method": "single", "channels": [{"channel": "email", "if": "data.never"}]}},
        ("FILTERED", "FILTERED", "Every channel was removed by a condition."),
    ),
    "template unknown": (
        {"template": "nt_missing"},
        ("UNMAPPED", None, "Template 'nt_missing' does not exist."),
    ),
    "tried without success": (
        {"to": {"email": "fail@example.com"}},
        (
            "UNDELIVERABLE",
            "FAILED",
            "email/sendgrid: HTTP 400: Does not contain a valid address.",
        ),
    ),
}


@pytest.mark.usefixtures("sendgrid")
@pytest.mark.parametrize("row", SITUATIONS)
def test_a_situation_ends_in_its_words(api: Api, pipeline: Pipeline, row: str) -> None:
    fields, (status, reason, error) = SITUATIONS[row]
    id_ = api.send(**fields)
    pipeline.drain()
    found = api.message(id_)
    assert (found["status"], found.get("reason")) == (status, reason)
    assert (error or "") in (found.get("error") or "")
    assert bool(found["providers"]) is (status == "UNDELIVERABLE")
    assert "sent" not in found
    last = api.history(id_)[-1]
    assert (last["type"], last.get("reason")) == (status, None if status == "UNDELIVERABLE" else reason)


def test_a_template_that_was_never_published_is_unroutable(api: Api, pipeline: Pipeline) -> None:
    id_ = api.send(template=api.template(state="DRAFT"))
    pipeline.drain()
    assert api.ending(id_) == ("UNROUTABLE", "UNPUBLISHED")


# --- when each status is reached, and its time ---------------------------------------------------


def test_the_way_of_a_message(api: Api, pipeline: Pipeline, sendgrid: str, time: Time) -> None:
    """ENQUEUED, DELAYED, ROUTED, SENT: each when it happens, with its own time."""
    id_ = api.send(delay={"duration": 3_600_000})
    statuses = [api.message(id_)["status"]]
    pipeline.drain()
    statuses.append(api.message(id_)["status"])
    time.passes(seconds=3601)
    pipeline.dispatch()
    pipeline.step(Stage.ROUTE)
    statuses.append(api.message(id_)["status"])
    pipeline.drain()
    found = api.message(id_)
    assert [*statuses, found["status"]] == ["ENQUEUED", "DELAYED", "ROUTED", "SENT"]
    assert found["sent"] - found["enqueued"] >= 3_600_000
    assert not {"delivered", "opened", "clicked", "canceledAt"} & set(found)


def _set(tx: db.Tx, id_: str, status: Status, at_s: int) -> bool:
    """Whether the status moved."""
    (uuid,) = row_ids(id_)
    at = datetime.fromtimestamp(at_s, clock.UTC)
    return bool(messages.set_status(tx, [StatusChange(id=uuid, status=status, at=at)]))


def test_the_database_holds_to_the_table_of_moves(api: Api, database: Database) -> None:
    id_ = api.send()
    for before, after in product(Status, Status):
        database("UPDATE message SET status = %s", before)
        with db.begin() as tx:
            moved = _set(tx, id_, after, 1)
        allowed = before in ALLOWED_FROM[after]
        assert (before, after, moved) == (before, after, allowed)
        assert api.message(id_)["status"] == (after if allowed else before)


def test_a_status_never_goes_back() -> None:
    """CLICKED > OPENED > DELIVERED > SENT > ROUTED > ENQUEUED; failures are final."""
    order = [Status.ENQUEUED, Status.ROUTED, Status.SENT, Status.DELIVERED, Status.OPENED, Status.CLICKED]
    for lower, higher in combinations(order, 2):
        assert higher not in ALLOWED_FROM[lower]
        assert lower in ALLOWED_FROM[higher]
    for failure, anything in product(FINAL - REACHED, Status):
        assert failure not in ALLOWED_FROM[anything]


TIMES = {
    Status.SENT: "sent",
    Status.DELIVERED: "delivered",
    Status.OPENED: "opened",
    Status.CLICKED: "clicked",
}


def test_late_news_sets_its_own_time_only(api: Api) -> None:
    """A late DELIVERED after OPENED sets its timestamp only; every time is that of the first occurrence."""
    for order in permutations(TIMES):
        id_ = api.send()
        with db.begin() as tx:
            for second, status in enumerate([*order, *order], start=1):
                _set(tx, id_, status, second)
        found = api.message(id_)
        assert (order, found["status"]) == (order, "CLICKED")
        for second, status in enumerate(order, start=1):
            # A delivery says that the message was sent, should nothing else have said so before.
            first = min(second, order.index(Status.DELIVERED) + 1) if status is Status.SENT else second
            assert (order, found[TIMES[status]]) == (order, first * 1000)


def test_a_failure_stays_one_whatever_is_reported(api: Api, database: Database) -> None:
    for status in FINAL - REACHED:
        id_ = api.send()
        database("UPDATE message SET status = %s, error = 'why' WHERE id = ANY(%s)", status, row_ids(id_))
        with db.begin() as tx:
            assert not any(_set(tx, id_, late, 1) for late in TIMES)
        found = api.message(id_)
        assert (found["status"], found["error"]) == (status, "why")
        assert not set(TIMES.values()) & set(found)


# --- providers -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("sendgrid")
def test_every_attempt_is_told(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    api.configure("twilio", factories.twilio(lab))
    id_ = api.send(
        to={**BOTH, "email": "fail@example.com"}, routing={"method": "all", "channels": ["email", "sms"]}
    )
    assert api.message(id_)["providers"] == []
    pipeline.drain()
    found = api.message(id_)
    mail, text = sorted(found["providers"], key=lambda attempt: attempt["provider"])
    assert mail["channel"] == {"key": "email", "name": "email", "template": ""}
    assert (mail["provider"], mail["status"]) == ("sendgrid", "UNDELIVERABLE")
    assert "valid address" in mail["error"]
    assert (text["channel"]["key"], text["provider"], text["status"]) == ("sms", "twilio", "SENT")
    assert (text["sent"], text["reference"]["sid"][:2]) == (found["sent"], "SM")


def test_what_the_provider_answered_is_told(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    """`providers[].providerResponse`: the last answer of each attempt."""
    api.configure("sendgrid", factories.sendgrid(lab))
    api.configure("twilio", factories.twilio(lab))
    id_ = api.send(
        to={**BOTH, "email": "fail@example.com"}, routing={"method": "all", "channels": ["email", "sms"]}
    )
    pipeline.drain()
    told = {one["provider"]: one["providerResponse"] for one in api.message(id_)["providers"]}
    assert told["sendgrid"]["status"] == 400
    assert told["sendgrid"]["body"]["errors"][0]["message"] == "Does not contain a valid address."
    assert (told["twilio"]["status"], told["twilio"]["body"]["status"]) == (201, "queued")


def test_a_mail_servers_answer_is_told(api: Api, pipeline: Pipeline, mail: MailLab) -> None:
    api.configure("smtp", factories.smtp(mail))
    id_ = api.send()
    pipeline.drain()
    (attempt,) = api.message(id_)["providers"]
    assert (attempt["providerResponse"]["code"], attempt["providerResponse"]["stage"]) == (250, "data")


@pytest.mark.usefixtures("sendgrid")
def test_an_answer_is_bounded_and_holds_no_secret(
    api: Api, pipeline: Pipeline, lab: ProviderLab, time: Time
) -> None:
    """A provider that echoes what it was called with gives nothing away; the last answer counts."""
    echo = f"Bearer {SENDGRID_KEY} and \0 more".encode()
    lab.script(Reply(status=503, body=echo + b"x" * 100_000), Reply(raw=b""))
    id_ = api.send()
    pipeline.drain()
    (attempt,) = api.message(id_)["providers"]
    assert attempt["providerResponse"]["status"] == 503
    assert attempt["providerResponse"]["body"].startswith("******** and  more")
    assert len(attempt["providerResponse"]["body"]) <= MAX_BODY
    assert SENDGRID_KEY not in api.get(f"/messages/{id_}").text
    time.passes(seconds=6)
    pipeline.drain()
    assert "providerResponse" not in api.message(id_)["providers"][0]


FURTHEST = {
    "DELIVERED": {"delivered"},
    "OPENED": {"opened"},
    "CLICKED": {"delivered", "opened", "clicked"},
}


@pytest.mark.usefixtures("sendgrid")
def test_an_attempt_has_the_furthest_status_it_reached(
    api: Api, pipeline: Pipeline, database: Database
) -> None:
    for status, stamps in FURTHEST.items():
        id_ = api.send()
        pipeline.drain()
        stamped = ", ".join(f"{stamp}_at = now()" for stamp in stamps)
        database(f"UPDATE delivery SET {stamped} WHERE message_id = ANY(%s)", row_ids(id_))
        (attempt,) = api.message(id_)["providers"]
        assert attempt["status"] == status
        assert stamps <= set(attempt)


@pytest.mark.usefixtures("sendgrid")
def test_what_was_canceled_between_two_tries_was_tried_in_vain(
    api: Api, pipeline: Pipeline, lab: ProviderLab
) -> None:
    id_ = api.send()
    lab.script(Reply(status=503))
    pipeline.drain()
    api.post(f"/messages/{id_}/cancel")
    (attempt,) = api.message(id_)["providers"]
    assert (attempt["status"], attempt["error"], attempt["attempts"]) == ("UNDELIVERABLE", "HTTP 503", 1)


@pytest.mark.usefixtures("sendgrid")
def test_what_was_canceled_before_any_try_has_no_attempt(api: Api, pipeline: Pipeline) -> None:
    id_ = api.send()
    pipeline.step(Stage.RENDER)
    pipeline.step(Stage.ROUTE)
    assert api.post(f"/messages/{id_}/cancel").json()["providers"] == []


# --- history and output --------------------------------------------------------------------------


def test_the_fields_of_the_history(
    api: Api, pipeline: Pipeline, lab: ProviderLab, configured: Configure
) -> None:
    configured(allowed_networks="127.0.0.0/8")
    integration = {"id": api.configure("webhook", factories.hook(lab)), "provider": "webhook"}
    api.put("/profiles/ada", {"profile": {"name": "Ada", "email": "old@example.com"}})
    template = api.template(factories.blocks(webhook=("Hi", "{{name}}")))
    to = {"user_id": "ada", "email": factories.ADA}
    override = {"webhook": {"override": {"body": {"x": 1}}}}
    id_ = api.send(
        to=to, template=template, data={"a": 1}, providers=override,
        routing={"method": "single", "channels": ["webhook"]},
    )  # fmt: skip
    pipeline.drain()
    told = {entry["type"]: entry for entry in api.history(id_)}
    at = [entry["ts"] for entry in api.history(id_)]
    assert at == sorted(at)
    assert _without_time(told["ENQUEUED"]) == {
        "event": template, "recipient": "ada", "data": {"a": 1}, "profile": to, "override": override,
    }  # fmt: skip
    assert _without_time(told["MAPPED"]) == {"event_id": template, "notification_id": template}
    loaded = told["PROFILE_LOADED"]
    assert loaded["received_profile"] == to
    assert loaded["stored_profile"] == {"name": "Ada", "email": "old@example.com"}
    assert loaded["merged_profile"]["email"] == factories.ADA
    output = api.get(f"/messages/{id_}/output").json()["results"]
    for type_ in ("RENDERED", "DELIVERING", "SENT", "DELIVERED"):
        assert told[type_]["channel"]["id"] == output[0]["channel_id"]
        assert told[type_]["integration"] == integration
    assert set(told["RENDERED"]["output"]) == {"html", "title", "body", "subject", "blocks", "text"}
    assert set(told["RENDERED"]["output"].values()) == {f"/messages/{id_}/output"}
    assert _without_time(told["DELIVERING"]).keys() == {"channel", "integration"}
    assert "reference" in told["DELIVERED"]


def test_what_was_not_called_was_not_delivering(api: Api, pipeline: Pipeline, sendgrid: str) -> None:
    """Content that cannot be rendered is neither RENDERED nor DELIVERING."""
    id_ = api.send(channels={"email": {"override": {"subject": 5}}})
    pipeline.drain()
    assert api.happened(id_)[-2:] == ["ROUTED", "UNDELIVERABLE"]


def test_an_unroutable_message_names_the_channel(api: Api, pipeline: Pipeline) -> None:
    """History, row UNROUTABLE: `channel`, `reason`."""
    api.configure("sandbox")
    id_ = api.send(
        channels={"email": {"providers": ["sendgrid"]}}, routing={"method": "single", "channels": ["email"]}
    )
    pipeline.drain()
    (entry,) = api.history(id_, "UNROUTABLE")
    assert (entry["channel"]["key"], entry["reason"]) == ("email", "PROVIDER_ERROR")
    assert entry["channel"]["id"]


def _without_time(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in {"ts", "type"}}


def test_each_failed_provider_is_in_the_history(api: Api, pipeline: Pipeline, sendgrid: str) -> None:
    id_ = api.send(to={"email": "fail@example.com"})
    pipeline.drain()
    (entry,) = api.history(id_, "UNDELIVERABLE")
    assert entry["integration"] == {"id": sendgrid, "provider": "sendgrid"}
    assert "valid address" in entry["error_message"]
    assert "id" in entry["channel"]


@pytest.mark.usefixtures("sendgrid")
def test_the_history_by_type(api: Api, pipeline: Pipeline) -> None:
    id_ = api.send()
    pipeline.drain()
    for type_ in HISTORY_TYPES:
        assert {entry["type"] for entry in api.history(id_, type_)} <= {type_}
    assert [entry["type"] for entry in api.history(id_, "SENT")] == ["SENT"]
    for unknown in ("ROUTED", "nonsense", ""):
        assert api.get(f"/messages/{id_}/history?type={unknown}").status_code == 400


@pytest.mark.usefixtures("sendgrid")
def test_the_output_is_empty_until_rendered_and_then_has_every_key(api: Api, pipeline: Pipeline) -> None:
    id_ = api.send()
    assert api.get(f"/messages/{id_}/output").json() == {"results": []}
    pipeline.drain()
    (result,) = api.get(f"/messages/{id_}/output").json()["results"]
    assert set(result) == {"channel", "channel_id", "content"}
    assert set(result["content"]) == {"html", "title", "body", "subject", "text", "blocks"}


def test_the_reasons_are_those_of_the_reference() -> None:
    assert set(Reason) == {
        "BOUNCED", "FAILED", "FILTERED", "NO_CHANNELS", "NO_PROVIDERS", "OPT_IN_REQUIRED", "PROVIDER_ERROR",
        "UNPUBLISHED", "UNSUBSCRIBED",
    }  # fmt: skip
