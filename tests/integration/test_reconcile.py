"""reconcile: whatever was lost on the way is woken up again, and a superfluous wake-up does no harm."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from notify.model.names import Channel
from notify.model.work import Stage
from notify.pipeline import reconcile
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time, row_ids
from tests.servers import ProviderLab

STAGES = (
    (Stage.EXPAND, None),
    (Stage.RENDER, None),
    (Stage.ROUTE, None),
    (Stage.DELIVER, Channel.EMAIL),
)


def _age(database: Database) -> None:
    """What is ready has been so for an hour."""
    database("UPDATE work SET due_at = due_at - interval '1 hour' WHERE NOT parked")


def _recover(pipeline: Pipeline, database: Database) -> None:
    """Passes of the reconciler until nothing is left behind."""
    for _ in range(20):
        _age(database)
        if not pipeline.reconcile():
            return
        pipeline.drain()
    raise AssertionError("something is left behind for good")


def _delayed(api: Api) -> str:
    """Five messages that pass through every stage: what need not wait is routed by render."""
    return api.send(
        to=[{"email": f"user-{number}@example.com"} for number in range(5)], delay={"duration": 10_000}
    )


def _go(pipeline: Pipeline, time: Time, stages: int) -> None:
    for stage, channel in STAGES[:stages]:
        assert pipeline.step(stage, channel) > 0
        if stage is Stage.RENDER:
            time.passes(seconds=20)


@pytest.mark.parametrize("lost_before", range(4), ids=[stage for stage, _ in STAGES])
def test_a_broker_that_lost_everything_loses_no_message(
    api: Api,
    pipeline: Pipeline,
    database: Database,
    lab: ProviderLab,
    time: Time,
    lost_before: int,
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    request_id = _delayed(api)
    _go(pipeline, time, lost_before)
    pipeline.lose_everything()
    assert pipeline.drain() == 0
    _recover(pipeline, database)
    assert [message["status"] for message in api.messages(traceId=request_id)] == ["SENT"] * 5
    assert len(lab.requests) == 5


@pytest.mark.parametrize("died_in", range(4), ids=[stage for stage, _ in STAGES])
def test_a_process_that_died_loses_no_message(
    api: Api,
    pipeline: Pipeline,
    database: Database,
    lab: ProviderLab,
    time: Time,
    died_in: int,
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    request_id = _delayed(api)
    _go(pipeline, time, died_in)
    pipeline.lose_everything()
    # It had claimed all there was.
    database("UPDATE work SET lease_until = now(), attempt = attempt + 1")
    _recover(pipeline, database)
    assert [message["status"] for message in api.messages(traceId=request_id)] == ["SENT"] * 5
    assert len(lab.requests) == 5


def test_what_is_under_way_is_left_alone(sandbox: Api, pipeline: Pipeline, database: Database) -> None:
    sandbox.send()
    database("UPDATE work SET lease_until = now() + interval '1 minute', attempt = 1")
    _age(database)
    assert pipeline.reconcile() == ()


def test_what_was_published_a_moment_ago_is_left_alone(sandbox: Api, pipeline: Pipeline) -> None:
    sandbox.send()
    assert pipeline.reconcile() == ()


def test_what_is_not_due_is_left_alone(sandbox: Api, pipeline: Pipeline, database: Database) -> None:
    sandbox.send(delay={"duration": 3_600_000})
    pipeline.drain()
    assert pipeline.reconcile() == ()


def test_many_reconcilers_and_their_repeats_send_once(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    ids = [api.send() for _ in range(10)]
    _age(database)
    with ThreadPoolExecutor(8) as threads:
        for done in threads.map(lambda _: reconcile.run(), range(8)):
            pipeline.publish(done.handoff)
    pipeline.publish(tuple(pipeline.waiting))
    pipeline.drain()
    assert {api.message(id_)["status"] for id_ in ids} == {"SENT"}
    assert len(lab.requests) == 10
    assert api.happened(ids[0]).count("SENT") == 1


def test_a_pass_is_bounded(
    sandbox: Api, pipeline: Pipeline, database: Database, configured: Configure
) -> None:
    configured(pass_size=3)
    ids = [sandbox.send() for _ in range(10)]
    pipeline.lose_everything()
    _age(database)
    woken = [id_ for wake in pipeline.reconcile() for id_ in wake.ids]
    assert woken == row_ids(*ids[:3])


def test_the_dead_are_woken_and_bounded(
    sandbox: Api, pipeline: Pipeline, database: Database, configured: Configure
) -> None:
    configured(pass_size=3)
    ids = [sandbox.send() for _ in range(5)]
    pipeline.lose_everything()
    database("UPDATE work SET lease_until = now(), attempt = 1")
    _age(database)
    wakes = pipeline.reconcile()
    assert [wake.ids for wake in wakes] == [tuple(row_ids(*ids[:3]))]
    pipeline.lose_everything()
    _recover(pipeline, database)
    assert {sandbox.message(id_)["status"] for id_ in ids} == {"SENT"}
