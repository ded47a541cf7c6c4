"""Held since nobody knew (at_most_once), until its provider says that it has it: the status becomes true."""

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import requests

from notify.model.status import PROVEN_FROM, Status
from notify.store import db, messages
from notify.store.messages import StatusChange
from tests import callbacks, factories
from tests.integration.harness import Api, Database, Pipeline, row_ids
from tests.servers import ProviderLab, Reply

ONCE = {"guarantee": "at_most_once"}
LOST = Reply(raw=b"")
BOTH = {"email": factories.ADA, "phone_number": factories.PHONE}
BOUNCE = {"event": "bounce", "type": "bounce", "reason": "550 no such user", "email": factories.ADA}
Tell = Callable[..., None]


@pytest.fixture
def tell(api: Api, lab: ProviderLab, pipeline: Pipeline) -> Tell:
    """``tell({"event": "open"})``: SendGrid reports of the first mail it got."""
    settings = {**factories.sendgrid(lab), "webhook_public_key": callbacks.PUBLIC_KEY}
    sendgrid = api.configure("sendgrid", settings)

    def told(*events: dict[str, Any]) -> None:
        custom = lab.of("sendgrid")[0].json()["custom_args"]
        body, headers = callbacks.sendgrid([{**custom, **event} for event in events])
        url = f"{api.base_url}/receipts/{sendgrid}"
        assert requests.post(url, data=body, headers=headers, timeout=30).status_code == 204
        pipeline.drain()

    return told


def _held(api: Api, pipeline: Pipeline, lab: ProviderLab, **fields: Any) -> str:
    lab.script(LOST)
    id_ = api.send(**fields)
    pipeline.drain()
    return id_


@pytest.mark.parametrize(
    ("event", "status"), [("delivered", "DELIVERED"), ("open", "OPENED"), ("click", "CLICKED")]
)
def test_a_proof_makes_the_status_true(
    api: Api, pipeline: Pipeline, lab: ProviderLab, tell: Tell, event: str, status: str
) -> None:
    id_ = _held(api, pipeline, lab, **ONCE)
    assert api.ending(id_) == ("UNDELIVERABLE", "FAILED")
    tell({"event": event})
    found = api.message(id_)
    assert (found["status"], found.get("reason"), found.get("error")) == (status, None, None)
    assert found["enqueued"] <= found["sent"] <= found[status.lower()]
    (attempt,) = found["providers"]
    assert (attempt["status"], attempt.get("error"), attempt["attempts"]) == (status, None, 1)
    assert (api.happened(id_)[-1], len(lab.requests)) == (status, 1)


def test_the_other_channels_failure_is_no_longer_the_end(
    api: Api, pipeline: Pipeline, lab: ProviderLab, tell: Tell
) -> None:
    """Several channels: the best outcome is the message's."""
    api.configure("twilio", factories.twilio(lab))
    to = {"email": factories.ADA, "phone_number": "+1fail"}
    id_ = _held(api, pipeline, lab, to=to, routing={"method": "all", "channels": ["email", "sms"]}, **ONCE)
    assert api.message(id_)["status"] == "UNDELIVERABLE"
    tell({"event": "delivered"})
    assert api.message(id_)["status"] == "DELIVERED"


def test_a_bounce_proves_that_it_was_sent_and_ends_it_as_bounced(
    api: Api, pipeline: Pipeline, lab: ProviderLab, tell: Tell
) -> None:
    id_ = _held(api, pipeline, lab, **ONCE)
    tell(BOUNCE)
    found = api.message(id_)
    assert (found["status"], found["reason"], "sent" in found) == ("UNDELIVERABLE", "BOUNCED", True)
    assert [one["address"] for one in api.get("/suppressions").json()["results"]] == ["a***@example.com"]


def test_a_proof_comes_twice_and_late_and_changes_nothing_more(
    api: Api, pipeline: Pipeline, lab: ProviderLab, tell: Tell
) -> None:
    id_ = _held(api, pipeline, lab, **ONCE)
    tell({"event": "open"})
    opened = api.message(id_)["opened"]
    tell({"event": "open"}, {"event": "delivered"})
    found = api.message(id_)
    assert (found["status"], found["opened"], api.happened(id_).count("OPENED")) == ("OPENED", opened, 1)


def test_a_failure_whose_cause_is_known_stays_one(
    api: Api, pipeline: Pipeline, lab: ProviderLab, tell: Tell
) -> None:
    """Failures are final: the provider refused it, so what it reports is of no effect on the status."""
    id_ = api.send(to={"email": "fail@example.com"}, **ONCE)
    pipeline.drain()
    tell({"event": "delivered"})
    assert api.ending(id_) == ("UNDELIVERABLE", "FAILED")


def test_the_channel_after_it_starts_when_it_was_sent_and_nobody_saw_it(
    api: Api, pipeline: Pipeline, lab: ProviderLab, tell: Tell, database: Database
) -> None:
    """Once it is known to be sent, its escalation begins."""
    api.configure("twilio", factories.twilio(lab))
    id_ = _held(
        api, pipeline, lab, to=BOTH, routing={"method": "single", "channels": ["email", "sms"]},
        timeout={"escalation": 3_600_000, "criteria": "viewed"}, **ONCE,
    )  # fmt: skip
    assert database.work() == []
    tell({"event": "delivered"})
    assert [row["stage"] for row in database.work()] == ["escalate"]
    assert api.message(id_)["status"] == "DELIVERED"


def test_what_is_proven_moves_by_its_own_table_only(api: Api, database: Database) -> None:
    id_ = api.send()
    (uuid,) = row_ids(id_)
    at = database.one("SELECT enqueued_at FROM message")
    for after, proven in product(Status, (False, True)):
        database("UPDATE message SET status = 'UNDELIVERABLE'")
        with db.begin() as tx:
            moved = messages.set_status(tx, [StatusChange(id=uuid, status=after, at=at, proven=proven)])
        assert (after, proven, bool(moved)) == (after, proven, proven and after in PROVEN_FROM)
