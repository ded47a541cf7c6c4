"""At most once, at least once: what is done when nobody knows whether a provider took a message."""

from typing import Any

import pytest

from notify import queue
from notify.local import process
from notify.model.call import Outcome
from notify.model.names import Channel, Lane
from notify.model.work import Place, Stage, Wake
from notify.pipeline import calling, deliver, outcomes, reconcile
from notify.transport.turns import Turns
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time, row_ids
from tests.servers import MailLab, ProviderLab, Reply
from tests.stack import StartWorker

ONCE = {"guarantee": "at_most_once"}
BOTH = {"email": factories.ADA, "phone_number": factories.PHONE}
PATIENCE_S = 90
LOST = Reply(raw=b"")  # it arrives, and the answer is a reset


@pytest.fixture
def email(api: Api, lab: ProviderLab) -> str:
    return api.configure("sendgrid", factories.sendgrid(lab))


class Died(BaseException):
    """The process is gone."""


def die_in_mid_call(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker takes the delivery, calls the provider and dies before it records anything."""

    def die(*_: object) -> None:
        raise Died

    with monkeypatch.context() as patch:
        patch.setattr(outcomes, "record", die)
        with pytest.raises(Died):
            pipeline.step(Stage.DELIVER, Channel.EMAIL)


@pytest.mark.usefixtures("email")
@pytest.mark.parametrize(
    ("guarantee", "calls", "status"), [("at_least_once", 2, "SENT"), ("at_most_once", 1, "UNDELIVERABLE")]
)
def test_a_worker_that_dies_in_mid_call(
    api: Api, pipeline: Pipeline, lab: ProviderLab, time: Time, database: Database, configured: Configure,
    monkeypatch: pytest.MonkeyPatch, guarantee: str, calls: int, status: str,
) -> None:  # fmt: skip
    configured(reconcile_grace_s=0.001)
    id_ = api.send(guarantee=guarantee)
    pipeline.step(Stage.RENDER)
    pipeline.step(Stage.ROUTE)
    die_in_mid_call(pipeline, monkeypatch)
    pipeline.lose_everything()
    time.passes(seconds=60)
    pipeline.reconcile()
    pipeline.drain()
    assert (len(lab.requests), api.message(id_)["status"]) == (calls, status)
    assert database.work() == []


@pytest.mark.usefixtures("email")
def test_what_may_have_been_sent_is_held_with_the_reason(
    api: Api, pipeline: Pipeline, lab: ProviderLab, mail: MailLab
) -> None:
    """No second call, no other provider, no other channel: it may have been sent."""
    api.configure("smtp", factories.smtp(mail))
    api.configure("twilio", factories.twilio(lab))
    lab.script(LOST)
    id_ = api.send(to=BOTH, routing={"method": "single", "channels": ["email", "sms"]}, **ONCE)
    pipeline.drain()
    found = api.message(id_)
    assert (found["status"], found["reason"]) == ("UNDELIVERABLE", "FAILED")
    assert "may have been sent (at_most_once): the connection broke before an answer" in found["error"]
    assert (len(lab.requests), len(mail.mails)) == (1, 0)
    (held,) = api.history(id_, "UNDELIVERABLE")
    assert (held["guarantee"], held["blame"]) == ("at_most_once", "unknown")


@pytest.mark.usefixtures("email")
def test_the_other_channels_of_an_all_go_out(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    api.configure("twilio", factories.twilio(lab))
    lab.script(LOST)
    id_ = api.send(to=BOTH, routing={"method": "all", "channels": ["email", "sms"]}, channels={"email": ONCE})
    pipeline.drain()
    tried = {one["channel"]["key"]: one["status"] for one in api.message(id_)["providers"]}
    assert tried == {"email": "UNDELIVERABLE", "sms": "SENT"}
    assert api.message(id_)["status"] == "SENT"


@pytest.mark.parametrize("reply", [Reply(status=503), Reply(status=429), Reply(status=500)])
@pytest.mark.usefixtures("email")
def test_what_was_refused_is_tried_again(
    api: Api, pipeline: Pipeline, lab: ProviderLab, time: Time, reply: Reply
) -> None:
    """An answer is taken at its word: nothing was accepted."""
    lab.script(reply)
    id_ = api.send(**ONCE)
    pipeline.drain()
    time.passes(seconds=6)
    pipeline.drain()
    assert (len(lab.requests), api.message(id_)["status"]) == (2, "SENT")


@pytest.mark.parametrize("status", [502, 504])
@pytest.mark.usefixtures("email")
def test_a_proxy_that_got_no_answer_has_none(
    api: Api, pipeline: Pipeline, lab: ProviderLab, status: int
) -> None:
    lab.script(Reply(status=status))
    id_ = api.send(**ONCE)
    pipeline.drain()
    assert (len(lab.requests), api.message(id_)["status"]) == (1, "UNDELIVERABLE")


def test_what_never_left_is_tried_again(api: Api, pipeline: Pipeline, time: Time) -> None:
    """Nobody listens: the next provider may have it."""
    settings = {"api_key": "SG.x", "from_address": factories.SENDER, "base_url": "http://127.0.0.1:9"}
    api.configure("sendgrid", settings)
    id_ = api.send(**ONCE)
    pipeline.drain()
    assert api.happened(id_)[-1] == "RETRYING"


@pytest.mark.parametrize(
    ("template", "message", "channel", "once"),
    [
        (None, None, None, False),
        ("at_most_once", None, None, True),
        ("at_most_once", "at_least_once", None, False),
        (None, "at_most_once", None, True),
        (None, "at_most_once", "at_least_once", False),
        ("at_least_once", "at_least_once", "at_most_once", True),
    ],
)
@pytest.mark.usefixtures("email")
def test_the_nearest_level_decides(
    api: Api, pipeline: Pipeline, lab: ProviderLab,
    template: str | None, message: str | None, channel: str | None, once: bool,
) -> None:  # fmt: skip
    """Channel over message over template."""
    id_ = api.template(**({"guarantee": template} if template else {}))
    lab.script(LOST)
    sent = api.send(
        template=id_,
        routing={"method": "single", "channels": ["email"]},
        guarantee=message,
        channels={"email": {"guarantee": channel}},
    )
    pipeline.drain()
    assert (api.message(sent)["status"] == "UNDELIVERABLE") is once
    (routed,) = (entry for entry in api.history(sent) if entry["type"] == "ROUTED")
    assert ("guarantee" in routed["leaves"][0]) is once


def test_an_unknown_guarantee_is_refused(api: Api) -> None:
    answer = api.post("/send", {"message": factories.message(guarantee="exactly_once")})
    assert (answer.status_code, "message.guarantee" in answer.json()["message"]) == (400, True)


@pytest.mark.usefixtures("email")
def test_a_batch_is_marked_by_one_statement_and_only_where_asked(
    api: Api, pipeline: Pipeline, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    once, often = api.send(**ONCE), api.send()
    seen: list[dict[str, Any]] = []
    outcome = calling._outcome

    def look(job: Any, answer: Any) -> Outcome:
        if not seen:
            seen.extend(database("SELECT message_id, called_at FROM delivery"))
        return outcome(job, answer)

    monkeypatch.setattr(calling, "_outcome", look)
    pipeline.drain()
    marked = {row["message_id"]: row["called_at"] is not None for row in seen}
    assert marked == dict(zip(row_ids(once, often), [True, False], strict=True))
    assert database("SELECT called_at FROM delivery WHERE called_at IS NOT NULL") == []


@pytest.mark.usefixtures("email")
def test_a_message_canceled_before_its_call_is_not_called(
    api: Api, pipeline: Pipeline, lab: ProviderLab, database: Database
) -> None:
    id_ = api.send(**ONCE)
    pipeline.step(Stage.RENDER)
    pipeline.step(Stage.ROUTE)
    passes = deliver.run((), Lane.SINGLE, Channel.EMAIL)
    next(passes)
    database("DELETE FROM work")  # as another worker's record of the same delivery would
    assert list(passes) == []
    assert not lab.requests
    assert api.message(id_)["status"] == "ROUTED"


def test_waiting_for_a_turn_is_not_calling(
    api: Api, pipeline: Pipeline, lab: ProviderLab, time: Time, configured: Configure,
    database: Database, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Killed while it waits in the worker for its turn, it was never called: it goes out."""
    configured(limit_ahead_s=1, reconcile_grace_s=0.001)
    limited = {**factories.sendgrid(lab), "rate_limit": {"rate": 2, "period": "second"}}
    api.configure("sendgrid", limited)
    first, second = api.send(**ONCE), api.send(**ONCE)
    pipeline.step(Stage.RENDER)
    pipeline.step(Stage.ROUTE)
    wait_s = Turns.wait_s

    def die(turns: Turns[Any]) -> float:
        """At the first real wait: one has been called, the other has not."""
        if len(turns._waiting) == 1 and len(lab.requests) == 1:
            raise Died
        return min(wait_s(turns), 0.01)

    with monkeypatch.context() as patch:
        patch.setattr(Turns, "wait_s", die)
        patch.setattr(outcomes, "_record", lambda *_: ())
        with pytest.raises(Died):
            pipeline.step(Stage.DELIVER, Channel.EMAIL)
    marked = database("SELECT message_id FROM delivery WHERE called_at IS NOT NULL")
    assert len(marked) == 1
    pipeline.lose_everything()
    for _ in range(2):
        time.passes(seconds=60)
        pipeline.reconcile()
        pipeline.drain()
    assert sorted(api.message(id_)["status"] for id_ in (first, second)) == ["SENT", "UNDELIVERABLE"]
    assert len(lab.requests) == 2


@pytest.mark.usefixtures("email")
def test_without_the_database_nothing_is_called_that_may_be_called_once_only(
    api: Api, pipeline: Pipeline, lab: ProviderLab, database: Database, time: Time, configured: Configure
) -> None:
    configured(reconcile_grace_s=0.001, database_timeout_s=1)
    once = api.send(**ONCE)
    pipeline.step(Stage.RENDER)
    pipeline.step(Stage.ROUTE)
    passes = deliver.run((), Lane.SINGLE, Channel.EMAIL)
    next(passes)
    with database.away():
        assert list(passes) == []
    assert not lab.requests
    time.passes(seconds=60)
    pipeline.reconcile()
    pipeline.drain()
    assert (api.message(once)["status"], len(lab.requests)) == ("SENT", 1)


@pytest.mark.usefixtures("email")
def test_kill_9_in_mid_call_is_never_a_second_call(
    api: Api, pipeline: Pipeline, lab: ProviderLab, configured: Configure, start_worker: StartWorker
) -> None:
    """A real worker, killed while the provider has the request and has not answered."""
    configured(lease_s=1, reconcile_grace_s=0.1)
    place = Place(stage=Stage.DELIVER, lane=Lane.SINGLE, channel=Channel.EMAIL)
    ids = [api.send(**ONCE) for _ in range(3)]
    lab.script(*[Reply(status=202, delay_s=60)] * 3)
    for stage in (Stage.RENDER, Stage.ROUTE):
        pipeline.step(stage)

    victim = start_worker(queue.queue_of(place), concurrency=1, NOTIFY_LEASE_S="1")
    queue._send(queue.celery, Wake(place=place, ids=()))
    assert process.wait_until(lambda: len(lab.requests) == 3, PATIENCE_S)
    victim.kill()
    start_worker(queue.queue_of(place), concurrency=1, NOTIFY_LEASE_S="1")

    def all_ended() -> bool:
        for wake in reconcile.run().handoff:
            queue._send(queue.celery, wake)
        return all(api.message(id_)["status"] == "UNDELIVERABLE" for id_ in ids)

    assert process.wait_until(all_ended, PATIENCE_S, every_s=0.2)
    assert len(lab.requests) == 3
    assert all("a worker died during the call" in api.message(id_)["error"] for id_ in ids)
