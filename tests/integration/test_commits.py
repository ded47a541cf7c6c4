"""Which commits wait for the disk, and what goes to the database in one statement."""

from collections.abc import Iterator

import pytest
from sqlalchemy import event, text

from notify import clock, ids
from notify.model.names import Lane, World
from notify.model.status import EventType
from notify.model.work import Place, Stage, Work
from notify.store import bulk, db, events, work
from notify.store.events import Event
from tests.integration.harness import Database

WAITS = text("SHOW synchronous_commit")


@pytest.fixture(params=[False, True], ids=["as the server has it", "relaxed"])
def sessions(
    database: Database, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    monkeypatch.setattr(db, "_relaxed", request.param)
    db.reset()
    yield
    db.reset()


def _waits(*, durable: bool) -> str:
    with db.begin(durable=durable) as tx:
        return str(tx.execute(WAITS).scalar_one())


@pytest.mark.usefixtures("sessions")
def test_only_a_durable_commit_waits_for_the_disk() -> None:
    asked = [True, False, True, True, False]
    assert [_waits(durable=durable) for durable in asked] == ["on", "off", "on", "on", "off"]


@pytest.mark.usefixtures("sessions")
def test_a_durable_commit_waits_for_what_the_operator_has_set(database: Database) -> None:
    database("ALTER ROLE CURRENT_USER SET synchronous_commit TO 'remote_write'")
    try:
        assert _waits(durable=True) == "remote_write"
        assert _waits(durable=False) == "off"
    finally:
        database("ALTER ROLE CURRENT_USER RESET synchronous_commit")


def _write(tx: db.Tx, number: int) -> None:
    id_, now = ids.new(), clock.now()
    place = Place(stage=Stage.RENDER, lane=Lane.SINGLE)
    todo = Work(id=id_, message_id=id_, world=World.TEST, place=place, due_at=now)
    log = [EventType.MAPPED, EventType.ROUTED][number % 2]
    events.append(tx, [Event(message_id=id_, at=now, type=log)])
    work.add(tx, [todo], horizon=now)


def test_what_is_inserted_together_is_one_statement(database: Database) -> None:
    sent: list[str] = []
    with db.begin() as tx:
        event.listen(tx, "before_cursor_execute", lambda *given: sent.append(given[2]))
        with bulk.together(tx):
            for number in range(4):
                with bulk.together(tx):
                    _write(tx, number)
    assert len(sent) == 1
    assert (database.count("work"), database.count("message_event")) == (4, 4)
    kinds = [row["type"] for row in database("SELECT type FROM message_event ORDER BY seq")]
    assert kinds == ["MAPPED", "ROUTED"] * 2


def test_what_fails_on_the_way_inserts_nothing(database: Database) -> None:
    def fails(tx: db.Tx) -> None:
        with bulk.together(tx):
            _write(tx, 0)
            raise ZeroDivisionError

    with db.begin() as tx:
        with pytest.raises(ZeroDivisionError):
            fails(tx)
        _write(tx, 2)
    assert database.count("work") == 1
