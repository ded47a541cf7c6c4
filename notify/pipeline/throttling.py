"""Send limits applied: messages that are about to go out in, the ends of those over a limit out.

Counted in the transaction that lets the others go on: whatever dies, a message counts once. The administrator
is told of it, once a day.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import orjson

from notify import log, settings
from notify.model.names import World
from notify.model.plan import Final
from notify.model.send_limit import NOTICE_TOPIC
from notify.model.work import Handoff
from notify.pipeline import noticing
from notify.pipeline.consent import topic_of
from notify.routing.send_limits import Key, Sender, begin, counters, decide
from notify.store import db, send_limits
from notify.store.messages import StoredMessage
from notify.store.send_limits import Counter

_log = log.get(__name__)
Topics = Mapping[UUID, str | None]
"""What the templates of messages say about their topic, by message id."""


@dataclass(frozen=True, slots=True)
class Throttled:
    """``ends``: how the messages that are over a limit end. ``handoff``: of the e-mail that tells of it."""

    ends: Mapping[UUID, Final] = field(default_factory=dict)
    handoff: Handoff = ()


def throttled(tx: db.Tx, found: Iterable[StoredMessage], topics: Topics, now: datetime) -> Throttled:
    """Count these messages. Nothing is asked where no limit is set."""
    by_world: dict[World, list[Sender[UUID]]] = {}
    for message in sorted(found, key=lambda each: each.id):
        sender = _sender(message, topics.get(message.id))
        if sender.topic != NOTICE_TOPIC:
            by_world.setdefault(message.world, []).append(sender)
    ends: dict[UUID, Final] = {}
    handoff: Handoff = ()
    # In the order of the worlds, since the counters are locked.
    for world in sorted(by_world):
        over = dict(_throttled(tx, world, by_world[world], now))
        ends |= over
        handoff += noticing.notice(tx, world, over, now) if over else ()
    return Throttled(ends, handoff)


def _throttled(
    tx: db.Tx, world: World, senders: list[Sender[UUID]], now: datetime
) -> Iterator[tuple[UUID, Final]]:
    rails = send_limits.of_world(tx, world)
    keys = {key for sender in senders for key in counters(rails, sender)}
    if not keys:
        return
    day = settings.load().billing_day
    held = send_limits.hold(tx, {_counter(world, key): begin(key[0].period, now, day) for key in keys})
    over, grown = decide(rails, senders, {key: held[_counter(world, key)] for key in keys})
    if grown:
        send_limits.add(tx, {_counter(world, key): count for key, count in grown.items()})
    if over:
        _log.warning("throttled", world=world, messages=len(over), example=next(iter(over.values())).error)
    yield from over.items()


def _sender(message: StoredMessage, templates: str | None) -> Sender[UUID]:
    """``templates``: the topic of its template, which the message's own beats."""
    topic = topic_of(message.body, templates)
    return Sender(id=message.id, user_id=message.user_id, tenant_id=message.tenant_id, topic=topic)


def _counter(world: World, key: Key) -> Counter:
    limit, named = key
    return Counter(world=world, scope=limit.scope, period=limit.period, subject=orjson.dumps(named).decode())
