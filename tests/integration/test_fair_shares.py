"""Tenants that have work waiting at one place get equal parts of what is claimed there."""

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

import pytest

from notify import clock, ids
from notify.model.names import Lane, World
from notify.model.work import Place, Stage, Work
from notify.store import claiming, db, work
from tests.integration.harness import Api, Database, Pipeline

RENDER = Place(stage=Stage.RENDER, lane=Lane.SINGLE)


@pytest.fixture(autouse=True)
def _a_fresh_round(database: Database) -> Iterator[None]:
    claiming._after.clear()
    yield
    database("DELETE FROM work")


def _waiting(tenant: str | None, count: int) -> dict[UUID, str | None]:
    now = clock.now()
    rows = [ids.new() for _ in range(count)]
    with db.begin() as tx:
        work.add(
            tx,
            [
                Work(id=i, message_id=i, world=World.TEST, place=RENDER, due_at=now, tenant_id=tenant)
                for i in rows
            ],
            horizon=now,
        )
    return dict.fromkeys(rows, tenant)


def _take(size: int = 100, told: tuple[UUID, ...] = ()) -> list[UUID]:
    with db.begin() as tx:
        return [claim.id for claim in claiming.claim(tx, RENDER, told, size=size, lease_s=60)]


def test_a_hundred_do_not_wait_behind_a_thousand() -> None:
    whose = _waiting("big", 1000) | _waiting("small", 30)
    got = Counter(whose[id_] for id_ in _take())
    assert got == {"big": 70, "small": 30}


def test_what_one_does_not_need_the_others_get() -> None:
    whose = _waiting("big", 500) | _waiting("tiny", 1) | _waiting(None, 3)
    assert Counter(whose[id_] for id_ in _take()) == {"big": 96, "tiny": 1, None: 3}


def test_being_told_of_one_tenants_rows_takes_half_a_batch_at_most() -> None:
    big = _waiting("big", 1000)
    whose = big | _waiting("small", 40)
    told = tuple(big)[500:600]
    got = _take(told=told)
    assert len(set(got) & set(told)) == 50
    assert Counter(whose[id_] for id_ in got)["small"] >= 25


def test_of_more_tenants_than_one_claim_looks_at_nobody_starves() -> None:
    whose = {id_: name for number in range(45) for id_, name in _waiting(f"t{number:02}", 40).items()}
    served: Counter[str | None] = Counter()
    for _ in range(3):
        got = _take()
        assert len(got) == 100
        served.update(whose[id_] for id_ in got)
    assert len(served) == 45


def test_everything_is_claimed_once() -> None:
    whose = _waiting("a", 130) | _waiting("b", 7) | _waiting(None, 90)
    got = [id_ for _ in range(5) for id_ in _take()]
    assert sorted(got) == sorted(whose)


def test_a_sends_tenant_is_whose_share_it_takes(sandbox: Api, pipeline: Pipeline, database: Database) -> None:
    sandbox.send(to={"user_id": "u", "email": "u@example.com", "tenant_id": "acme"})
    assert [row["share"] for row in database("SELECT share FROM work")] == ["test/acme"]
