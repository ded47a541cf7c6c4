"""dispatch: what is due beyond the horizon is published, once, when it comes within it."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from notify.pipeline import dispatch
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time, row_ids

HOUR = 3600
DELAYED = {"delay": {"duration": HOUR * 1000}}


@pytest.fixture
def parked(sandbox: Api, pipeline: Pipeline) -> list[str]:
    """Ten messages that wait for an hour."""
    ids = [sandbox.send(**DELAYED) for _ in range(10)]
    pipeline.drain()
    return ids


def test_nothing_is_published_before_its_time(parked: list[str], pipeline: Pipeline, time: Time) -> None:
    time.passes(seconds=HOUR - 70)
    assert pipeline.dispatch() == ()


def test_everything_is_published_once_with_its_own_time(
    parked: list[str], pipeline: Pipeline, database: Database, time: Time
) -> None:
    time.passes(seconds=HOUR - 30)
    wakes = pipeline.dispatch()
    assert sorted(id_ for wake in wakes for id_ in wake.ids) == row_ids(*parked)
    due = {row["id"]: row["due_at"] for row in database.work()}
    assert all(wake.at == due[wake.ids[0]] for wake in wakes)
    assert pipeline.dispatch() == ()


def test_what_is_published_early_still_waits(
    parked: list[str], sandbox: Api, pipeline: Pipeline, time: Time
) -> None:
    time.passes(seconds=HOUR - 30)
    pipeline.dispatch()
    assert pipeline.drain() == 0
    assert sandbox.message(parked[0])["status"] == "DELAYED"
    time.passes(seconds=31)
    pipeline.drain()
    assert {sandbox.message(id_)["status"] for id_ in parked} == {"SENT"}


def test_a_pass_comes_before_what_the_last_one_left_is_due(
    parked: list[str], pipeline: Pipeline, configured: Configure, time: Time
) -> None:
    configured(horizon_s=60, dispatch_every_s=5)
    time.passes(seconds=HOUR - 63)
    assert len(pipeline.dispatch()) == 10


def test_several_dispatchers_publish_nothing_twice(parked: list[str], time: Time) -> None:
    time.passes(seconds=HOUR)
    with ThreadPoolExecutor(8) as threads:
        passes = list(threads.map(lambda _: dispatch.run(), range(8)))
    published = [id_ for done in passes for wake in done.handoff for id_ in wake.ids]
    assert sorted(published) == row_ids(*parked)


def test_a_pass_is_bounded_and_takes_the_earliest(
    sandbox: Api, pipeline: Pipeline, configured: Configure, time: Time
) -> None:
    configured(pass_size=2, horizon_s=60)
    ids = [sandbox.send(delay={"duration": HOUR * 1000 - early}) for early in (0, 3000, 1000, 2000)]
    pipeline.drain()
    time.passes(seconds=HOUR - 30)
    published = [id_ for _ in range(2) for wake in pipeline.dispatch() for id_ in wake.ids]
    assert published[:2] in (row_ids(ids[1], ids[3]), row_ids(ids[3], ids[1]))
    assert sorted(published) == row_ids(*ids)


def test_what_was_dispatched_and_lost_goes_out_all_the_same(
    parked: list[str], sandbox: Api, pipeline: Pipeline, database: Database, time: Time
) -> None:
    time.passes(seconds=HOUR - 30)
    pipeline.dispatch()
    pipeline.lose_everything()
    time.passes(seconds=40)
    database("UPDATE work SET due_at = due_at - interval '1 hour'")
    pipeline.reconcile()
    pipeline.drain()
    assert {sandbox.message(id_)["status"] for id_ in parked} == {"SENT"}
