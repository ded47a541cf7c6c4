"""A person's data: everything that is kept of them, and forgetting it.

Both go through the tables a chunk at a time, each in a transaction of its own. An erasure that is stopped is
gone on with by asking for it again: what is done is not found any more.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import orjson

from notify import clock
from notify.model.names import World
from notify.model.work import Handoff
from notify.pipeline import erase as erase_stage
from notify.recipients import address
from notify.store import audit, db, personal, personal_messages
from notify.store.personal import Person
from notify.store.personal_messages import Found

_CHUNK = 500
_SCAN = 5000
_WAIT_S = 0.5
_FIRST = UUID(int=0)
_Look = Callable[[db.Tx, Person, UUID, int], Found]


@dataclass(slots=True)
class Erasure:
    """``rows``: how many of each table. ``done``: nothing is left. ``digest``: who it is in the audit log."""

    digest: str
    rows: Counter[str] = field(default_factory=Counter)
    done: bool = False


def erase(
    user_id: str,
    world: World,
    *,
    addresses: Collection[str] = (),
    wake: Callable[[Handoff], object],
    within_s: float,
) -> Erasure:
    """Forget a user: delete what is theirs, and take them out of what is counted.

    Args:
        addresses: e-mail addresses and numbers that are theirs, besides those of their profile.
        wake: publishes what follows.
        within_s: stops after so long; ``done`` says whether there is more.
    """
    until = time.monotonic() + within_s
    with db.begin() as tx:
        person = _person(tx, world, user_id, addresses)
    erasure = Erasure(person.digest)
    # Messages that are being sent are free again soon.
    while _round(person, erasure, wake, until) and time.monotonic() + _WAIT_S < until:
        time.sleep(_WAIT_S)
    with db.begin() as tx:
        after = {"rows": dict(erasure.rows), "done": erasure.done}
        audit.record(tx, "person.erased", ("user", person.digest), world=world, after=after)
    return erasure


def _person(tx: db.Tx, world: World, user_id: str, given: Collection[str]) -> Person:
    """With the addresses that are stored of them, and those that are ``given``."""
    known = {address.normal(value) for value in (*personal.addresses(tx, world, user_id), *given)}
    return Person(world=world, user_id=user_id, addresses=frozenset(known - {""}))


def _round(person: Person, erasure: Erasure, wake: Callable[[Handoff], object], until: float) -> int:
    """Once through everything; how many messages were being sent."""
    busy = 0
    for ids in _messages(person):
        if time.monotonic() > until:
            return busy
        done = erase_stage.run(person, ids)
        wake(done.handoff)
        erasure.rows["message"] += done.messages
        busy += done.busy
    erasure.done = not busy and all(_empty(person, table, erasure, until) for table in personal.STEPS)
    return busy


def _empty(person: Person, table: str, erasure: Erasure, until: float) -> bool:
    while time.monotonic() <= until:
        with db.begin() as tx:
            gone = personal.erase(tx, person, table, _CHUNK)
        erasure.rows.update({table: gone} if gone else {})
        if gone < _CHUNK:
            return True
    return False


def _messages(person: Person) -> Iterator[list[UUID]]:
    """What they were sent, in chunks, of which some may be empty."""
    yield from _chunks(person, personal_messages.of_user, _CHUNK)
    if person.addresses:
        yield from _chunks(person, personal_messages.of_addresses, _SCAN)


def _chunks(person: Person, look: _Look, size: int) -> Iterator[list[UUID]]:
    after: UUID | None = _FIRST
    while after is not None:
        with db.begin() as tx:
            found = look(tx, person, after, size)
        yield from (found.ids[i : i + _CHUNK] for i in range(0, len(found.ids) or 1, _CHUNK))
        after = found.after


def export(user_id: str, world: World, addresses: Collection[str] = ()) -> Iterator[str]:
    """Everything that is kept of a user, as the pieces of one JSON object."""
    with db.begin() as tx:
        person = _person(tx, world, user_id, addresses)
        kept = dict(personal.export(tx, person))
    head: Mapping[str, str] = {"user_id": user_id, "world": world, "exported": clock.now().isoformat()}
    yield orjson.dumps(head).decode()[:-1]
    for table, rows in kept.items():
        yield f',"{table}":[{",".join(rows)}]'
    yield ',"messages":['
    before = ""
    for ids in _messages(person):
        with db.begin() as tx:
            for one in personal_messages.export(tx, ids):
                yield before + one
                before = ","
    yield "]}\n"
