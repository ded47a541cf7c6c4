"""escalate: a message that reaches nobody in time goes on to its next channel, once."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from notify.model.names import Lane
from notify.model.work import Stage
from notify.pipeline import escalate
from tests import factories
from tests.integration.harness import Api, Database, Pipeline, Time, row_ids
from tests.servers import ProviderLab, Reply

BOTH = {"email": factories.ADA, "phone_number": factories.PHONE}
SINGLE = {"method": "single", "channels": ["email", "sms"]}
HOUR_S = 3600.0
VIEWED = {"escalation": HOUR_S * 1000, "criteria": "viewed"}


@pytest.fixture(autouse=True)
def _providers(api: Api, lab: ProviderLab) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    api.configure("twilio", factories.twilio(lab))


def _send(api: Api, pipeline: Pipeline, **fields: Any) -> str:
    """A message that was sent through its first channel."""
    id_ = api.send(**{"to": BOTH, "routing": SINGLE, "timeout": VIEWED, **fields})
    pipeline.drain()
    assert api.message(id_)["status"] == "SENT"
    return id_


def _later(pipeline: Pipeline, time: Time, seconds: float = HOUR_S) -> None:
    time.passes(seconds=seconds)
    pipeline.dispatch()
    pipeline.drain()


def _tried(api: Api, id_: str) -> list[str]:
    return [attempt["provider"] for attempt in api.message(id_)["providers"]]


def _report(database: Database, id_: str, column: str) -> None:
    """What a provider reports of the first delivery."""
    database(
        f"UPDATE delivery SET {column} = now() WHERE message_id = %s AND provider = 'sendgrid'", *row_ids(id_)
    )


def test_the_next_channel_starts_when_nobody_has_seen_it(
    api: Api, pipeline: Pipeline, database: Database, time: Time
) -> None:
    id_ = _send(api, pipeline)
    (row,) = database.work()
    sent_at = database.one("SELECT sent_at FROM delivery")
    assert (row["stage"], (row["due_at"] - sent_at).total_seconds()) == ("escalate", HOUR_S)
    _later(pipeline, time, HOUR_S / 2)
    assert _tried(api, id_) == ["sendgrid"]
    _later(pipeline, time, HOUR_S / 2)
    assert _tried(api, id_) == ["sendgrid", "twilio"]
    assert [p["status"] for p in api.message(id_)["providers"]] == ["SENT", "SENT"]
    assert api.happened(id_)[-4:] == ["ESCALATED", "RENDERED", "DELIVERING", "SENT"]
    assert database.work() == []


def test_its_log_says_why(api: Api, pipeline: Pipeline, time: Time) -> None:
    id_ = _send(api, pipeline)
    _later(pipeline, time)
    (entry,) = [entry for entry in api.history(id_) if entry["type"] == "ESCALATED"]
    assert (entry["channel"]["key"], entry["integration"]["provider"]) == ("sms", "twilio")
    assert (entry["criterion"], entry["after_ms"]) == ("viewed", HOUR_S * 1000)


@pytest.mark.parametrize(
    ("criteria", "reported", "escalates"),
    [
        ("delivered", None, True),
        ("delivered", "delivered_at", False),
        ("delivered", "opened_at", False),
        ("viewed", "delivered_at", True),
        ("viewed", "opened_at", False),
        ("viewed", "clicked_at", False),
        ("engaged", "opened_at", True),
        ("engaged", "clicked_at", False),
        ("no-escalation", None, False),
        (None, None, False),
    ],
)
def test_each_criterion(
    api: Api,
    pipeline: Pipeline,
    database: Database,
    time: Time,
    criteria: str | None,
    reported: str | None,
    escalates: bool,
) -> None:
    id_ = _send(api, pipeline, timeout={"escalation": HOUR_S * 1000, "criteria": criteria})
    if reported:
        _report(database, id_, reported)
    _later(pipeline, time)
    assert _tried(api, id_) == (["sendgrid", "twilio"] if escalates else ["sendgrid"])
    assert database.work() == []


def test_what_came_back_escalates(api: Api, pipeline: Pipeline, database: Database, time: Time) -> None:
    """A later bounce does not restart routing, except through escalation."""
    id_ = _send(api, pipeline, timeout={"escalation": HOUR_S * 1000, "criteria": "delivered"})
    database("UPDATE delivery SET state = 'returned', blame = 'recipient', delivered_at = now()")
    _later(pipeline, time)
    assert _tried(api, id_) == ["sendgrid", "twilio"]


def test_each_channel_has_its_own_time(api: Api, pipeline: Pipeline, lab: ProviderLab, time: Time) -> None:
    api.configure("slack", factories.slack(lab))
    to = {**BOTH, "slack": {"channel": "C1"}}
    routing = {"method": "single", "channels": ["email", "sms", "direct_message"]}
    id_ = _send(api, pipeline, to=to, routing=routing)
    _later(pipeline, time)
    assert _tried(api, id_) == ["sendgrid", "twilio"]
    _later(pipeline, time)
    assert _tried(api, id_) == ["sendgrid", "twilio", "slack"]


def test_the_channels_of_all_do_not_wait_for_each_other(
    api: Api, pipeline: Pipeline, database: Database
) -> None:
    id_ = _send(api, pipeline, routing={**SINGLE, "method": "all"})
    assert sorted(_tried(api, id_)) == ["sendgrid", "twilio"]
    assert database.work() == []


def test_escalation_that_fails_leaves_the_message_sent(
    api: Api, pipeline: Pipeline, lab: ProviderLab, time: Time
) -> None:
    id_ = _send(api, pipeline)
    lab.script(Reply.json({"code": 21211, "message": "no such number"}, status=400))
    _later(pipeline, time)
    assert api.message(id_)["status"] == "SENT"
    assert [p["status"] for p in api.message(id_)["providers"]] == ["SENT", "UNDELIVERABLE"]


def test_nothing_escalates_past_the_messages_own_limit(
    api: Api, pipeline: Pipeline, database: Database
) -> None:
    _send(api, pipeline, timeout={**VIEWED, "message": HOUR_S * 1000})
    assert database.work() == []


def test_lost_and_repeated_wake_ups_start_it_once(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab, time: Time
) -> None:
    id_ = _send(api, pipeline)
    (row,) = database.work()
    time.passes(seconds=HOUR_S)
    pipeline.lose_everything()
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: escalate.run([row["id"]], Lane.SINGLE), range(4)))
    assert sum(each.claimed for each in done) == 1
    for each in done:
        pipeline.publish(each.handoff)
    pipeline.drain()
    assert pipeline.step(Stage.ESCALATE) == 0
    assert _tried(api, id_) == ["sendgrid", "twilio"]
    assert len(lab.requests) == 2


def test_a_worker_that_dies_leaves_it_to_another(
    api: Api, pipeline: Pipeline, database: Database, time: Time
) -> None:
    id_ = _send(api, pipeline)
    time.passes(seconds=HOUR_S)
    database("UPDATE work SET lease_until = now() - interval '1 minute', due_at = now() - interval '1 hour'")
    pipeline.lose_everything()
    pipeline.reconcile()
    pipeline.drain()
    assert _tried(api, id_) == ["sendgrid", "twilio"]


def test_what_was_cancelled_does_not_escalate(
    api: Api, pipeline: Pipeline, database: Database, time: Time
) -> None:
    id_ = _send(api, pipeline)
    database("UPDATE message SET status = 'CANCELED' WHERE id = %s", *row_ids(id_))
    _later(pipeline, time)
    assert _tried(api, id_) == ["sendgrid"]
    assert database.work() == []


def test_a_clock_that_is_behind_the_databases_escalates_all_the_same(
    api: Api, pipeline: Pipeline, database: Database
) -> None:
    id_ = _send(api, pipeline)
    database("UPDATE work SET due_at = now()")
    pipeline.step(Stage.ESCALATE)
    pipeline.drain()
    assert _tried(api, id_) == ["sendgrid", "twilio"]
