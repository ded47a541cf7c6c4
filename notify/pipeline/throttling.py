"""Send limits applied: messages that are about to go out in, the ends of those over a limit out.

Counted in the transaction that lets the others go on: whatever dies, a message counts once.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

import orjson

from notify import log
from notify.model.names import World
from notify.model.plan import Final
from notify.routing.send_limits import Key, Sender, begin, counters, decide
from notify.store import db, send_limits
from notify.store.messages import StoredMessage
from notify.store.send_limits import Counter

_log = log.get(__name__)


def throttled(tx: db.Tx, found: Iterable[StoredMessage], now: datetime) -> dict[UUID, Final]:
    """Count these messages; how those that are over a limit end. Nothing is asked where no limit is set."""
    by_world: dict[World, list[Sender[UUID]]] = {}
    for message in sorted(found, key=lambda each: each.id):
        by_world.setdefault(message.world, []).append(_sender(message))
    # In the order of the worlds, since the counters are locked.
    return {
        id_: end for world in sorted(by_world) for id_, end in _throttled(tx, world, by_world[world], now)
    }


def _throttled(
    tx: db.Tx, world: World, senders: list[Sender[UUID]], now: datetime
) -> Iterator[tuple[UUID, Final]]:
    rails = send_limits.of_world(tx, world)
    keys = {key for sender in senders for key in counters(rails, sender)}
    if not keys:
        return
    held = send_limits.hold(tx, {_counter(world, key): begin(key[0].period, now) for key in keys})
    over, grown = decide(rails, senders, {key: held[_counter(world, key)] for key in keys})
    if grown:
        send_limits.add(tx, {_counter(world, key): count for key, count in grown.items()})
    if over:
        _log.warning("throttled", world=world, messages=len(over), example=next(iter(over.values())).error)
    yield from over.items()


def _sender(message: StoredMessage) -> Sender[UUID]:
    return Sender(
        id=message.id,
        user_id=message.user_id,
        tenant_id=message.tenant_id,
        topic=(message.body.get("preferences") or {}).get("subscription_topic_id"),
    )


def _counter(world: World, key: Key) -> Counter:
    limit, named = key
    return Counter(world=world, scope=limit.scope, period=limit.period, subject=orjson.dumps(named).decode())
