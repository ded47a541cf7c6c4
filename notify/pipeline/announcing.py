"""News for outbound webhooks: told in the transaction that makes it, or not at all.

Whoever moves a message's status or stores a new message does so here, so that no change goes untold. Where
nobody listens, this costs a look into the cache.
"""

from collections.abc import Iterator, Sequence

import orjson

from notify import clock, ids
from notify.model.hook import HookDelivery, HookEvent, HookState, News
from notify.model.names import Lane, World
from notify.model.status import Status
from notify.model.work import Handoff, Place, Stage, Wake, Work
from notify.pipeline import observing
from notify.store import db, hook_deliveries, messages, webhooks, work
from notify.store.messages import NewMessage, StatusChange
from notify.store.webhooks import Destination


def set_status(tx: db.Tx, changes: Sequence[StatusChange], lane: Lane) -> Handoff:
    """Apply the changes that are allowed (one per message), and tell of those that happened.

    Returns:
        The wake-ups for what is to be told.
    """
    moved = messages.set_status(tx, changes)
    observing.moved(change for change in changes if change.id in moved)
    return announce(tx, [_updated(c, moved[c.id]) for c in changes if c.id in moved], lane)


def _updated(change: StatusChange, world: World) -> News:
    return News(
        world=world,
        type=HookEvent.MESSAGE_UPDATED,
        at=change.at,
        message_id=change.id,
        status=change.status,
    )


def insert(tx: db.Tx, rows: Sequence[NewMessage]) -> Handoff:
    """Store new messages, and tell of them; return the wake-ups for that."""
    messages.insert(tx, rows)
    lane = rows[0].lane if rows else Lane.SINGLE
    return announce(tx, [_enqueued(row) for row in rows], lane)


def _enqueued(row: NewMessage) -> News:
    return News(
        world=row.world,
        type=HookEvent.MESSAGE_UPDATED,
        at=row.enqueued_at,
        message_id=row.id,
        status=Status.ENQUEUED,
    )


def announce(tx: db.Tx, news: Sequence[News], lane: Lane = Lane.SINGLE) -> Handoff:
    """Store a delivery for each destination that wants to hear of it; return the wake-ups."""
    audience = {
        (world, type_): webhooks.listening(tx, world, type_)
        for world, type_ in {(one.world, one.type) for one in news}
    }
    if not any(audience.values()):
        return ()
    told = [row for one in news for row in _deliveries(one, audience[one.world, one.type])]
    hook_deliveries.insert(tx, told)
    return start(tx, [row for row in told if row.state is HookState.PENDING], lane)


def _deliveries(news: News, audience: Sequence[Destination]) -> Iterator[HookDelivery]:
    body = None if news.data is None else written(news.type, news.data)
    for destination in audience:
        yield HookDelivery(
            id=ids.new(),
            destination_id=destination.id,
            world=news.world,
            type=news.type,
            at=news.at,
            started_at=clock.now(),
            message_id=news.message_id,
            status=news.status,
            body=body,
            state=HookState.HELD if destination.paused_at else HookState.PENDING,
        )


def written(type_: HookEvent, data: object) -> str:
    """The body of an event."""
    return orjson.dumps({"type": type_, "data": data}).decode()


def start(tx: db.Tx, rows: Sequence[HookDelivery], lane: Lane) -> Handoff:
    """Have these deliveries sent; return the wake-ups."""
    if not rows:
        return ()
    now, place = clock.now(), Place(stage=Stage.HOOKS, lane=lane)
    # They are no part of their message's work: what ends or cancels it leaves them alone.
    todo = [Work(id=row.id, message_id=row.id, world=row.world, place=place, due_at=now) for row in rows]
    work.add(tx, todo, horizon=now)
    return (Wake(place=place, ids=tuple(row.id for row in rows)),)
