"""Claims: a row of work belongs to one process at a time, and never to a dead one for good."""

import os
import signal
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest

from notify import clock
from notify.local import process
from notify.model.names import Channel, Lane
from notify.model.work import Claim, Place, Stage, Wake
from notify.pipeline import calling, claims
from notify.store import claiming, db, work
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time, row_ids
from tests.servers import ProviderLab

RENDER = Place(stage=Stage.RENDER, lane=Lane.SINGLE)


@pytest.fixture
def accepted(sandbox: Api, pipeline: Pipeline) -> list[UUID]:
    """Five messages that wait to be rendered, oldest first; nobody has been told."""
    sent = row_ids(*(sandbox.send(data={"number": number}) for number in range(5)))
    pipeline.lose_everything()
    return sent


def _take(told: Sequence[UUID] = (), size: int = 100, lease_s: float = 60) -> list[Claim]:
    with db.begin() as tx:
        return claiming.claim(tx, RENDER, told, size=size, lease_s=lease_s)


def _die(database: Database) -> None:
    """Whoever holds something stops renewing it, and the lease ends."""
    database("UPDATE work SET lease_until = now() WHERE lease_until > now()")


# --- one owner -----------------------------------------------------------------------------------


def test_the_same_task_twice_works_once(sandbox: Api, pipeline: Pipeline) -> None:
    id_ = sandbox.send()
    wake = pipeline.waiting[0]
    assert (pipeline.run(wake), pipeline.run(wake)) == (1, 0)
    pipeline.drain()
    assert sandbox.happened(id_).count("PROFILE_LOADED") == 1


def test_a_late_task_finds_nothing(sandbox: Api, pipeline: Pipeline) -> None:
    id_ = sandbox.send()
    wake = pipeline.waiting[0]
    pipeline.drain()
    assert pipeline.run(wake) == 0
    assert sandbox.message(id_)["status"] == "SENT"


def test_two_claims_at_once_never_share_a_row(accepted: list[UUID]) -> None:
    with db.begin() as one, db.begin() as other:
        first = claiming.claim(one, RENDER, accepted, size=3, lease_s=60)
        second = claiming.claim(other, RENDER, accepted, size=100, lease_s=60)
    assert sorted(claim.id for claim in first + second) == accepted


def test_many_claimers_share_everything_out(sandbox: Api, pipeline: Pipeline) -> None:
    sandbox.send(to=[{"user_id": f"user-{number}"} for number in range(200)])
    pipeline.step(Stage.EXPAND)
    place = Place(stage=Stage.RENDER, lane=Lane.BULK)

    def claim_some(_: int) -> list[UUID]:
        with db.begin() as tx:
            return [claim.id for claim in claiming.claim(tx, place, (), size=7, lease_s=60)]

    with ThreadPoolExecutor(4) as threads:
        taken = [id_ for batch in threads.map(claim_some, range(100)) for id_ in batch]
    assert len(taken) == len(set(taken)) == 200


# --- what a claim takes --------------------------------------------------------------------------


def test_a_claim_takes_what_it_was_told_and_the_oldest_others(accepted: list[UUID]) -> None:
    claimed = _take(told=accepted[-1:], size=3)
    assert sorted(claim.id for claim in claimed) == [*accepted[:2], accepted[-1]]


def test_a_claim_is_bounded_by_its_size(accepted: list[UUID]) -> None:
    assert len(_take(told=accepted, size=2)) == 2


def test_a_claim_takes_nothing_of_another_place(accepted: list[UUID]) -> None:
    other = Place(stage=Stage.DELIVER, lane=Lane.SINGLE, channel=Channel.EMAIL)
    with db.begin() as tx:
        assert claiming.claim(tx, other, accepted, size=10, lease_s=60) == []
        bulk = Place(stage=Stage.RENDER, lane=Lane.BULK)
        assert claiming.claim(tx, bulk, accepted, size=10, lease_s=60) == []


def test_a_claim_takes_nothing_that_is_not_due(accepted: list[UUID], database: Database) -> None:
    database("UPDATE work SET due_at = now() + interval '1 second' WHERE id = %s", accepted[0])
    assert sorted(claim.id for claim in _take(told=accepted)) == accepted[1:]


def test_a_full_batch_asks_for_another(
    accepted: list[UUID], configured: Configure, pipeline: Pipeline, database: Database
) -> None:
    configured(batch_size=2)
    pipeline.publish((Wake(place=RENDER, ids=()),))
    pipeline.drain()
    assert database.work() == []


# --- leases --------------------------------------------------------------------------------------


def test_what_a_dead_process_held_goes_first_and_after_a_second_death_alone(
    accepted: list[UUID], database: Database
) -> None:
    held = sorted(claim.id for claim in _take(told=accepted[:3], size=3))
    assert len(held) == 3
    assert not {claim.id for claim in _take(told=accepted)} & set(held)  # taken by nobody else
    others = [id_ for id_ in accepted if id_ not in held]
    database("UPDATE work SET lease_until = '-infinity' WHERE id = ANY(%s)", others)
    _die(database)
    together = _take(told=others, size=100)  # whoever comes finds them, and takes none of the living along
    assert sorted((one.id, one.attempt, one.lost) for one in together) == [(id_, 2, 1) for id_ in held]
    _die(database)
    alone = [_take(size=100) for _ in held]
    assert [[claim.lost for claim in claims] for claims in alone] == [[2]] * 3
    assert sorted(claims[0].id for claims in alone) == held
    assert sorted(claim.id for claim in _take(size=100)) == others


def test_who_was_kept_waiting_by_the_database_takes_nothing_over(
    accepted: list[UUID], database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its leases ended while nobody could renew them: those who hold them are alive."""
    monkeypatch.setattr(db, "HANGING_S", 0.2)
    monkeypatch.setattr(clock, "wants_agreement", lambda: False)  # it is the claim that is to wait
    held = _take(told=accepted, lease_s=0.3)
    ours = database("SELECT pid FROM pg_stat_activity WHERE application_name = 'notify'")
    sessions = [row["pid"] for row in ours]
    with ThreadPoolExecutor(1) as other:
        for pid in sessions:
            os.kill(pid, signal.SIGSTOP)
        try:
            waiting = other.submit(_take)
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.6)
        finally:
            for pid in sessions:
                os.kill(pid, signal.SIGCONT)
        assert waiting.result(timeout=30) == []
    monkeypatch.setattr(claiming, "RETURN_S", 60)
    assert _take() == []
    monkeypatch.setattr(claiming, "RETURN_S", 0)
    assert {claim.id for claim in _take()} == {claim.id for claim in held}


def test_the_reconciler_wakes_a_dead_processs_rows(
    accepted: list[UUID], pipeline: Pipeline, database: Database
) -> None:
    _take(told=accepted[:2], size=2)
    _die(database)
    database("UPDATE work SET due_at = due_at - interval '1 hour'")
    wakes = pipeline.reconcile()
    assert sorted(id_ for wake in wakes for id_ in wake.ids) == accepted
    assert len(wakes) == 2  # a long list of them is no flood of tasks


def test_a_fence_lets_only_the_holder_pass(accepted: list[UUID], database: Database) -> None:
    (overtaken,) = _take(told=accepted[:1], size=1)
    _die(database)
    (holder,) = _take(told=accepted[:1], size=1)
    with db.begin() as tx:
        assert work.fence(tx, [overtaken]) == set()
        assert work.fence(tx, [holder]) == {accepted[0]}
        assert work.fence(tx, [overtaken, holder]) == {accepted[0]}


def test_a_lease_that_ended_still_holds_until_somebody_else_claims(
    accepted: list[UUID], database: Database
) -> None:
    (slow,) = _take(told=accepted[:1], size=1)
    _die(database)
    with db.begin() as tx:
        assert work.fence(tx, [slow]) == {accepted[0]}


def test_leases_are_kept_while_the_work_lasts(
    accepted: list[UUID], database: Database, configured: Configure
) -> None:
    configured(lease_s=0.3)
    held = _take(told=accepted, lease_s=0.3)
    first = database.one("SELECT max(lease_until) FROM work")
    with claims.kept(held):
        renewed = "SELECT bool_and(lease_until > %s::timestamptz + interval '1 second') FROM work"
        assert process.wait_until(lambda: database.one(renewed, first), timeout_s=60)
        assert _take(told=accepted) == []


def test_a_row_given_back_for_a_later_try_is_not_held_by_its_batch(
    accepted: list[UUID], database: Database
) -> None:
    held = _take(told=accepted[:2], size=2)
    with db.begin() as tx:
        due = database.one("SELECT now()")
        work.move(tx, [(accepted[0], RENDER, due)], horizon=due)
    with db.begin() as tx:
        work.renew(tx, held, 60)  # the batch mate is still under way
    (again,) = _take(told=accepted[:1], size=1)
    assert (again.id, again.lost) == (accepted[0], 0)


def test_what_was_recorded_for_a_later_try_is_not_recorded_again(
    accepted: list[UUID], database: Database
) -> None:
    held = _take(told=accepted[:1], size=1)
    with db.begin() as tx:
        due = database.one("SELECT now()")
        work.move(tx, [(accepted[0], RENDER, due)], horizon=due)
    with db.begin() as tx:
        assert work.fence(tx, held) == set()


def test_what_a_dead_process_held_goes_first_behind_a_queue_of_any_length(
    accepted: list[UUID], database: Database
) -> None:
    (held,) = _take(told=accepted[-1:], size=1)
    _die(database)
    # More than a claim or a pass of the reconciler looks through, all of them older.
    database(
        """INSERT INTO work (id, message_id, world, stage, lane, due_at)
           SELECT gen_random_uuid(), gen_random_uuid(), 'test', 'render', 'single', now() - interval '1 hour'
           FROM generate_series(1, 3000)"""
    )
    with db.begin() as tx:
        wakes = work.left_behind(tx, [RENDER], grace_s=5, size=1000)
    assert held.id in {id_ for wake in wakes for id_ in wake.ids}
    assert [(claim.id, claim.lost) for claim in _take()] == [(held.id, 1)]


def test_a_renewal_does_not_wait_for_what_is_being_recorded(accepted: list[UUID]) -> None:
    held = _take(told=accepted[:2], size=2)
    with db.begin() as recording:
        work.fence(recording, held[:1])
        with db.begin() as tx:
            assert work.renew(tx, held, 60) == {held[1].id}


def test_a_process_that_stood_still_does_not_send_what_others_have_taken_over(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its lease ends between its claim and its call, and somebody else delivers meanwhile."""
    api.configure("sendgrid", factories.sendgrid(lab))
    id_ = api.send()
    pipeline.step(Stage.RENDER)
    pipeline.step(Stage.ROUTE)
    wake = pipeline.waiting[-1]
    prepare = calling.prepare

    def stand_still(*given: Any) -> Any:
        monkeypatch.setattr(calling, "prepare", prepare)
        _die(database)
        assert pipeline.run(Wake(place=wake.place, ids=())) == 1
        monkeypatch.setattr(claims, "_MARGIN_S", 3600)  # by its own clock its lease has run out
        return prepare(*given)

    monkeypatch.setattr(calling, "prepare", stand_still)
    pipeline.drain()
    assert (api.message(id_)["status"], len(lab.of("sendgrid"))) == ("SENT", 1)
    assert database.work() == []


# --- work that kills -----------------------------------------------------------------------------


def _kill_workers(database: Database, place: Place, id_: UUID, times: int) -> None:
    for _ in range(times):
        with db.begin() as tx:
            assert [c.id for c in claiming.claim(tx, place, [id_], size=1, lease_s=60)] == [id_]
        _die(database)


@pytest.mark.parametrize("stage", [Stage.RENDER, Stage.ROUTE, Stage.DELIVER])
def test_a_message_that_kills_its_workers_is_set_aside(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab, stage: Stage
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    # Only what waits comes to route by itself.
    waits = {"delay": {"duration": 60_000}} if stage is Stage.ROUTE else {}
    deadly, harmless = api.send(**waits), api.send(**waits)
    for before in (Stage.RENDER, Stage.ROUTE)[: (Stage.RENDER, Stage.ROUTE, Stage.DELIVER).index(stage)]:
        pipeline.step(before)
    pipeline.lose_everything()
    database("UPDATE work SET due_at = now(), parked = false")
    place = Place(stage=stage, lane=Lane.SINGLE, channel=Channel.EMAIL if stage is Stage.DELIVER else None)
    (id_,) = (row["id"] for row in database.work() if row["message_id"] in row_ids(deadly))
    _kill_workers(database, place, id_, times=3)
    database("UPDATE work SET due_at = due_at - interval '1 hour'")
    pipeline.reconcile()
    pipeline.drain()
    assert api.ending(deadly) == ("UNDELIVERABLE", "FAILED")
    assert "Set aside: 3 workers died" in api.message(deadly)["error"]
    assert "Set aside" in str(api.history(deadly, "UNDELIVERABLE"))
    assert api.message(harmless)["status"] == "SENT"
    assert len(lab.of("sendgrid")) == 1
    assert database.work() == []


def test_a_message_that_killed_fewer_is_tried_again(
    sandbox: Api, pipeline: Pipeline, database: Database
) -> None:
    id_ = sandbox.send()
    pipeline.lose_everything()
    _kill_workers(database, RENDER, row_ids(id_)[0], times=2)
    pipeline.run(Wake(place=RENDER, ids=tuple(row_ids(id_))))
    pipeline.drain()
    assert sandbox.message(id_)["status"] == "SENT"


# --- clocks --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [30, -30], ids=["ahead", "behind"])
def test_a_machine_whose_clock_is_wrong_delays_nothing(
    api: Api, pipeline: Pipeline, time: Time, lab: ProviderLab, seconds: int
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    time.passes(seconds=seconds)
    request_id = api.send(to=[{"email": factories.ADA}])
    pipeline.drain()
    (message,) = api.messages(traceId=request_id)
    assert message["status"] == "SENT"
