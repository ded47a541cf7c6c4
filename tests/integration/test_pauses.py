"""Pausing and resuming: what is held, what goes on, and that nothing is lost or used up meanwhile."""

from typing import Any

import pytest

from notify.model.names import Channel
from notify.model.work import Stage
from notify.pipeline import pausing
from notify.store import cache
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time
from tests.servers import MailLab, ProviderLab, Reply

DOWN = Reply(status=500)
BOTH = {"email": factories.ADA, "phone_number": factories.PHONE}
HOUR = 3600


def _pause(api: Api, kind: str, key: str | None = None, **fields: Any) -> str:
    answer = api.post("/pauses", {"kind": kind, "key": key, **fields})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _resume(api: Api, pipeline: Pipeline, id_: str) -> None:
    assert api.delete(f"/pauses/{id_}").status_code == 204
    pipeline.drain()


def _held(api: Api) -> dict[str, int]:
    results = api.get("/pauses").json()["results"]
    return {f"{one['kind']} {one['label']}".strip(): one["held"] for one in results}


def _status(api: Api, *ids: str) -> list[str]:
    return [api.message(id_)["status"] for id_ in ids]


def test_a_paused_channel_holds_its_deliveries_and_no_others(sandbox: Api, pipeline: Pipeline) -> None:
    pause = _pause(sandbox, "channel", "sms", reason="the carrier is down")
    by_sms = sandbox.send(to=BOTH, routing={"method": "single", "channels": ["sms"]})
    by_mail = sandbox.send(to=BOTH, routing={"method": "single", "channels": ["email"]})
    pipeline.drain()
    assert _status(sandbox, by_sms, by_mail) == ["ROUTED", "SENT"]
    assert _held(sandbox) == {"channel sms": 1}
    (told,) = [entry for entry in sandbox.history(by_sms) if entry["type"] == "WAITING"]
    assert (told["wait"], told["paused"], told["reason"]) == ("pause", "channel sms", "the carrier is down")
    _resume(sandbox, pipeline, pause)
    assert _status(sandbox, by_sms) == ["SENT"]
    assert _held(sandbox) == {}


def test_held_work_is_not_claimed_again(sandbox: Api, pipeline: Pipeline, database: Database) -> None:
    _pause(sandbox, "channel", "email")
    sandbox.send()
    pipeline.drain()
    (before,) = database.work()
    for _ in range(3):
        assert pipeline.step(Stage.DELIVER, Channel.EMAIL) == 0
    pipeline.dispatch()
    pipeline.reconcile()
    pipeline.drain()
    assert database.work() == [before]


def test_a_paused_provider_is_waited_for_although_there_is_another(
    api: Api, pipeline: Pipeline, lab: ProviderLab, mail: MailLab
) -> None:
    first = api.configure("sendgrid", factories.sendgrid(lab), alias="main")
    api.configure("smtp", factories.smtp(mail))
    pause = _pause(api, "provider", "sendgrid")
    id_ = api.send()
    named = api.send(routing={"method": "single", "channels": ["smtp"]})
    pipeline.drain()
    assert _status(api, id_, named) == ["ROUTED", "SENT"]
    assert _held(api) == {"provider main": 1}
    assert api.get("/pauses").json()["results"][0]["key"] == first
    _resume(api, pipeline, pause)
    assert [attempt["provider"] for attempt in api.message(id_)["providers"]] == ["sendgrid"]


def test_a_paused_tenant_is_held_before_it_is_rendered(sandbox: Api, pipeline: Pipeline) -> None:
    pause = _pause(sandbox, "tenant", "acme")
    theirs = sandbox.send(to={"email": factories.ADA, "tenant_id": "acme"})
    other = sandbox.send(to={"email": factories.ADA, "tenant_id": "other"})
    pipeline.drain()
    assert _status(sandbox, theirs, other) == ["ENQUEUED", "SENT"]
    _resume(sandbox, pipeline, pause)
    assert _status(sandbox, theirs) == ["SENT"]


def test_a_paused_request_is_held_with_all_that_it_becomes(sandbox: Api, pipeline: Pipeline) -> None:
    request = sandbox.send(to=[{"email": factories.ADA}, {"email": "bob@example.com"}])
    pipeline.step(Stage.EXPAND)
    other = sandbox.send()
    pause = _pause(sandbox, "request", request)
    pipeline.drain()
    assert _status(sandbox, other) == ["SENT"]
    assert {one["status"] for one in sandbox.messages(traceId=request)} == {"ENQUEUED"}
    assert _held(sandbox) == {f"request {request}": 2}
    _resume(sandbox, pipeline, pause)
    assert {one["status"] for one in sandbox.messages(traceId=request)} == {"SENT"}


def test_a_request_that_is_not_expanded_yet_is_held_whole(
    sandbox: Api, pipeline: Pipeline, database: Database
) -> None:
    request = sandbox.send(to=[{"email": factories.ADA}, {"email": "bob@example.com"}])
    pause = _pause(sandbox, "request", request)
    pipeline.drain()
    assert [row["stage"] for row in database.work()] == ["expand"]
    _resume(sandbox, pipeline, pause)
    assert {one["status"] for one in sandbox.messages(traceId=request)} == {"SENT"}


def test_everything_of_one_world_is_held(api: Api, sandbox: Api, pipeline: Pipeline) -> None:
    pause = _pause(sandbox, "all")
    here, there = sandbox.send(), api.send()
    pipeline.drain()
    assert _status(sandbox, here) == ["ENQUEUED"]
    assert _status(api, there) == ["UNROUTABLE"]
    assert _held(api) == {}
    _resume(sandbox, pipeline, pause)
    assert _status(sandbox, here) == ["SENT"]


def test_what_two_pauses_concern_waits_for_both(sandbox: Api, pipeline: Pipeline) -> None:
    channel, tenant = _pause(sandbox, "channel", "email"), _pause(sandbox, "tenant", "acme")
    id_ = sandbox.send(to={"email": factories.ADA, "tenant_id": "acme"})
    pipeline.drain()
    _resume(sandbox, pipeline, tenant)
    assert _held(sandbox) == {"channel email": 1}
    _resume(sandbox, pipeline, channel)
    assert _status(sandbox, id_) == ["SENT"]


def test_a_delayed_message_is_held_when_it_is_due(sandbox: Api, pipeline: Pipeline, time: Time) -> None:
    id_ = sandbox.send(delay={"duration": 60_000})
    pipeline.drain()
    pause = _pause(sandbox, "all")
    time.passes(seconds=61)
    pipeline.drain()
    assert _status(sandbox, id_) == ["DELAYED"]
    _resume(sandbox, pipeline, pause)
    assert _status(sandbox, id_) == ["SENT"]


def test_a_held_message_can_be_canceled(sandbox: Api, pipeline: Pipeline, database: Database) -> None:
    pause = _pause(sandbox, "channel", "email")
    id_ = sandbox.send()
    pipeline.drain()
    assert sandbox.post(f"/messages/{id_}/cancel").status_code == 200
    _resume(sandbox, pipeline, pause)
    assert (_status(sandbox, id_), database.work()) == (["CANCELED"], [])


def _age(database: Database, pause: str) -> None:
    """The pause began an hour ago, and so did the wait of what it holds; all else was then."""
    database("UPDATE pause SET paused_at = paused_at - interval '1 hour' WHERE id = %s", pause)
    database("UPDATE work SET was_due = was_due - interval '1 hour' WHERE was_due IS NOT NULL")
    database("UPDATE delivery SET started_at = started_at - interval '1 hour'")
    database("""UPDATE message_plan SET plan = jsonb_set(plan, '{deadline}',
                to_jsonb((plan ->> 'deadline')::timestamptz - interval '1 hour'))""")


def test_timeouts_stand_still_and_no_try_is_used_up(
    api: Api, pipeline: Pipeline, database: Database, time: Time, lab: ProviderLab, mail: MailLab
) -> None:
    """Its provider's minute, its channel's two and its own five began an hour ago, and are not over."""
    api.configure("sendgrid", factories.sendgrid(lab))
    api.configure("smtp", factories.smtp(mail))
    timeout = {"message": 300_000, "channel": 120_000, "provider": 60_000}
    lab.script(DOWN)
    id_ = api.send(timeout=timeout)
    pipeline.drain()
    pause = _pause(api, "provider", "sendgrid")
    time.passes(seconds=10)
    pipeline.drain()
    assert _held(api) == {"provider sendgrid": 1}
    _age(database, pause)
    lab.script(DOWN)
    _resume(api, pipeline, pause)
    # Its second try failed, and still the same provider is to have a third.
    assert _status(api, id_) == ["ROUTED"]
    assert [(one["provider"], one["attempts"]) for one in api.message(id_)["providers"]] == [("sendgrid", 2)]
    assert not mail.mails


def test_a_message_is_not_too_old_after_a_pause(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    pause = _pause(api, "channel", "email")
    lab.script(DOWN)
    id_ = api.send(timeout={"message": 60_000})
    pipeline.drain()
    _age(database, pause)
    _resume(api, pipeline, pause)
    (row,) = database.work()
    assert (row["stage"], _status(api, id_)) == ("deliver", ["ROUTED"])


def test_many_go_on_in_order_and_in_bounded_transactions(
    sandbox: Api, pipeline: Pipeline, database: Database, configured: Configure, monkeypatch: Any
) -> None:
    configured(pass_size=4, batch_size=5)
    pause = _pause(sandbox, "channel", "email")
    sent = [sandbox.send() for _ in range(23)]
    pipeline.drain()
    assert _held(sandbox) == {"channel email": 23}
    monkeypatch.setattr(pausing, "_CHUNKS", 2)
    assert sandbox.delete(f"/pauses/{pause}").status_code == 204
    assert database.one("SELECT count(*) FROM work WHERE was_due IS NULL") == 8
    pipeline.drain()
    for _ in range(3):
        pipeline.dispatch()
        pipeline.drain()
    assert set(_status(sandbox, *sent)) == {"SENT"}
    went = database("SELECT message_id FROM delivery ORDER BY sent_at")
    first, last = {row["message_id"] for row in went[:8]}, {row["message_id"] for row in went[8:]}
    assert max(first) < min(last)


def test_what_is_laid_aside_while_the_pause_ends_goes_on_all_the_same(
    sandbox: Api, pipeline: Pipeline, database: Database
) -> None:
    """A stage that began before the end of the pause commits after it."""
    pause = _pause(sandbox, "channel", "email")
    id_ = sandbox.send()
    pipeline.drain()
    _resume(sandbox, pipeline, pause)
    late = sandbox.send()
    pipeline.step(Stage.RENDER)
    pipeline.step(Stage.ROUTE)
    database(
        "UPDATE work SET was_due = due_at, due_at = '9000-01-01Z', provider_id = %s, waits_for = 'pause'",
        pause,
    )
    pipeline.dispatch()
    pipeline.drain()
    assert _status(sandbox, id_, late) == ["SENT", "SENT"]


def test_a_pause_is_forgotten_some_time_after_its_end(
    sandbox: Api, pipeline: Pipeline, database: Database
) -> None:
    pause = _pause(sandbox, "all")
    _resume(sandbox, pipeline, pause)
    pipeline.dispatch()
    assert database.count("pause") == 1
    database("UPDATE pause SET resumed_at = resumed_at - interval '11 minutes'")
    pipeline.dispatch()
    assert database.count("pause") == 0


def test_pausing_twice_is_pausing_once(sandbox: Api, pipeline: Pipeline) -> None:
    first = _pause(sandbox, "channel", "sms")
    assert _pause(sandbox, "channel", "sms") == first
    _resume(sandbox, pipeline, first)
    assert sandbox.delete(f"/pauses/{first}").status_code == 404
    assert _pause(sandbox, "channel", "sms") != first


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "channel", "key": "pigeon"},
        {"kind": "channel"},
        {"kind": "all", "key": "x"},
        {"kind": "provider", "key": "sendgrid"},
        {"kind": "request", "key": "nonsense"},
        {"kind": "weather"},
        {"kind": "tenant", "key": "a" * 256},
        {"kind": "tenant", "key": "a\0"},
    ],
)
def test_what_cannot_be_paused_is_refused(sandbox: Api, body: dict[str, Any]) -> None:
    answer = sandbox.post("/pauses", body)
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request_error")


def test_a_pause_of_another_world_cannot_be_resumed(api: Api, sandbox: Api) -> None:
    assert api.delete(f"/pauses/{_pause(sandbox, 'all')}").status_code == 404


def test_an_intake_that_is_closed_refuses_new_sends_and_finishes_old_ones(
    api: Api, sandbox: Api, pipeline: Pipeline
) -> None:
    before = sandbox.send()
    pause = _pause(sandbox, "intake")
    cache.clear()
    answer = sandbox.post("/send", {"message": factories.message()})
    assert (answer.status_code, answer.json()["type"]) == (503, "service_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    api.send()
    pipeline.drain()
    assert _status(sandbox, before) == ["SENT"]
    _resume(sandbox, pipeline, pause)
    cache.clear()
    sandbox.send()
