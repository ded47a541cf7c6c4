"""Retrying what failed: each message is sent again, as a new one; both logs name the other.

A failure stays what it was, since senders and webhooks were told of it. A message is retried once; what
fails again is a message of its own, and may be retried like any other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import orjson

from notify import clock, ids, queue
from notify.errors import Conflict, NotFound
from notify.manage.messages import at_once
from notify.model import wire
from notify.model.names import World
from notify.model.status import EventType
from notify.pipeline import accept, pausing
from notify.pipeline.accept import Receipt, Submission
from notify.store import audit, db, events, failed, messages
from notify.store.events import Event
from notify.store.failed import FAILURES, FailedFilters
from notify.store.messages import StoredMessage

MAX = 1000
"""Messages retried by one call."""
_COUNTED = 1_000_000
_CHUNK = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Retried:
    """A message that failed, and the one it is sent again as."""

    message_id: UUID
    retried_as: UUID


def count(world: World, filters: FailedFilters) -> int:
    """How many messages a retry would send again (a million at most are counted)."""
    with db.begin() as tx:
        return failed.count(tx, world, filters, _COUNTED)


def run(world: World, filters: FailedFilters, limit: int = MAX) -> list[Retried]:
    """Send again the oldest ``limit`` of them, in short transactions.

    Raises:
        Unavailable: new sends are not taken at the moment.
    """
    done: list[Retried] = []
    while len(done) < limit:
        chunk = _retry(world, filters, min(_CHUNK, limit - len(done)))
        if not chunk:
            break
        done += chunk
    return done


def one(world: World, wire_id: str) -> Retried:
    """Send one failed message again.

    Raises:
        NotFound: there is none with this id.
        Conflict: it has not failed, or was retried before.
    """
    id_ = ids.from_wire(wire_id)
    with db.begin() as tx:
        row = messages.get(tx, world, id_) if id_ else None
        earlier = _retried_as(events.of(tx, id_)) if id_ and row else None
    if id_ is None or row is None:
        raise NotFound(f"Message {wire_id!r} does not exist.")
    if row.status not in FAILURES:
        raise Conflict(f"Message {wire_id!r} has not failed: it is {row.status}.")
    if earlier:
        raise Conflict(f"Message {wire_id!r} was retried already, as {earlier}.")
    for retried in run(world, FailedFilters(message_id=id_), 1):
        return retried
    raise Conflict(f"Message {wire_id!r} is being retried, or what it said is not kept any more.", retry=True)


def _retried_as(log: Sequence[Event]) -> str | None:
    return next((e.detail["retried_as"] for e in log if "retried_as" in e.detail), None)


def _retry(world: World, filters: FailedFilters, limit: int) -> list[Retried]:
    with db.begin() as tx:
        if refusal := pausing.refusal(tx, world):
            raise refusal
        found = messages.load(tx, failed.hold(tx, world, filters, limit))
        olds = [stored for stored in found.values() if stored.body]
        receipts, handoff = accept.store(tx, [_submission(old) for old in olds])
        done = [
            Retried(message_id=old.id, retried_as=_id(receipt))
            for old, receipt in zip(olds, receipts, strict=True)
        ]
        events.append(tx, [event for each in done for event in _log(each)])
        if done:
            told = {"messages": len(done), "first": ids.to_wire(done[0].message_id)}
            target = ("message", told["first"])
            audit.record(tx, "message.retried", target, world=world, after=told)
    queue.publish(handoff)
    return done


def _submission(old: StoredMessage) -> Submission:
    body = at_once(old.body)
    return Submission(
        world=old.world,
        message=wire.SendMessage.model_validate(body),
        body=orjson.dumps(body),
        mode=old.mode,
    )


def _id(receipt: object) -> UUID:
    assert isinstance(receipt, Receipt)
    id_ = ids.from_wire(receipt.body["requestId"])
    assert id_ is not None
    return id_


def _log(each: Retried) -> tuple[Event, Event]:
    now = clock.now()
    before, after = ids.to_wire(each.message_id), ids.to_wire(each.retried_as)
    return (
        Event(message_id=each.message_id, at=now, type=EventType.RETRIED, detail={"retried_as": after}),
        Event(message_id=each.retried_as, at=now, type=EventType.RETRIED, detail={"retry_of": before}),
    )
