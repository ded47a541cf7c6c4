"""What destinations were told: look at it, send it again, try a destination out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from notify import clock, ids
from notify.clock import to_ms
from notify.errors import Conflict, NotFound
from notify.manage import webhooks as destinations
from notify.model.call import Accepted
from notify.model.hook import Attempt, HookDelivery, HookEvent, HookState
from notify.model.names import Lane, World
from notify.model.work import Handoff
from notify.pipeline import announcing
from notify.pipeline.hook_sending import call_all
from notify.store import db, hook_deliveries
from notify.store.hook_deliveries import Chosen
from notify.store.webhooks import Destination

SHOWN_ATTEMPTS = 200
REPLAYABLE = (HookState.FAILED, HookState.HELD, HookState.DELIVERED)
UNDELIVERED = (HookState.FAILED, HookState.HELD)
_AT_ONCE = 1000
_PER_CALL = 10_000
_LAST = UUID(int=(1 << 128) - 1)


def find(
    world: World, destination_id: UUID, *, state: HookState | None, before: UUID | None, limit: int
) -> Sequence[HookDelivery]:
    """At most ``limit`` deliveries to a destination, newest first.

    Raises:
        NotFound: there is no such destination.
    """
    destinations.get(world, destination_id)
    with db.begin() as tx:
        return hook_deliveries.find(tx, destination_id, state=state, before=before, limit=limit)


def get(world: World, destination_id: UUID, id_: UUID) -> tuple[HookDelivery, Sequence[Attempt]]:
    """A delivery, and its last calls, oldest first.

    Raises:
        NotFound: there is no such destination, or it has no such delivery.
    """
    destinations.get(world, destination_id)
    with db.begin() as tx:
        found = hook_deliveries.load(tx, [id_]).get(id_)
        if found is None or found.destination_id != destination_id:
            raise NotFound("This delivery does not exist.")
        return found, hook_deliveries.attempts(tx, id_, SHOWN_ATTEMPTS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """``last``: of the deliveries that are sent again, when there are more than one call takes."""

    count: int
    handoff: Handoff
    last: UUID | None = None


def replay_one(world: World, destination_id: UUID, id_: UUID) -> Replayed:
    """Send one delivery again.

    Raises:
        NotFound: there is no such destination, or it has no such delivery.
        Conflict: the destination is paused, or the delivery is still being tried.
    """
    found, _ = get(world, destination_id, id_)
    if found.state is HookState.PENDING:
        raise Conflict("This delivery is still being tried.")
    around = (UUID(int=id_.int - 1), UUID(int=id_.int + 1))
    return _replay(world, destination_id, REPLAYABLE, *around)


def replay(
    world: World,
    destination_id: UUID,
    states: Sequence[HookState],
    *,
    since: datetime | None,
    after: UUID | None,
) -> Replayed:
    """Send again what is in one of ``states`` and came about since then (default: ever), oldest first.

    ``after``: go on behind this delivery.

    Raises:
        NotFound: there is no such destination.
        Conflict: it is paused.
    """
    first = after or UUID(int=max(0, (ids.earliest(since).int if since else 0) - 1))
    return _replay(world, destination_id, states, first, _LAST)


def _replay(
    world: World, destination_id: UUID, states: Sequence[HookState], after: UUID, before: UUID
) -> Replayed:
    if destinations.get(world, destination_id).paused_at:
        raise Conflict("The webhook is paused: resume it first.")
    count, at = 0, clock.now()
    handoff: Handoff = ()
    while count < _PER_CALL:
        chosen = Chosen(
            destination_id=destination_id, states=states, after=after, before=before, limit=_AT_ONCE
        )
        with db.begin() as tx:
            rows = hook_deliveries.replay(tx, chosen, at)
            handoff += announcing.start(tx, rows, Lane.SINGLE if len(rows) == 1 else Lane.BULK)
        count += len(rows)
        if len(rows) < _AT_ONCE:
            return Replayed(count=count, handoff=handoff)
        after = rows[-1].id
    return Replayed(count=count, handoff=handoff, last=after)


def test(world: World, destination_id: UUID) -> tuple[HookDelivery, Attempt]:
    """Send a test event now, paused or not, once; it is in the log like any other.

    Raises:
        NotFound: there is no such destination.
    """
    destination = destinations.get(world, destination_id)
    ready = _test_event(destination)
    ((outcome, attempt),) = next(call_all(destination, [ready]))
    sent = replace(
        ready,
        state=HookState.DELIVERED if isinstance(outcome, Accepted) else HookState.FAILED,
        tries=1,
        answer_status=attempt.status,
        error=attempt.error,
        ended_at=clock.now(),
    )
    with db.begin() as tx:
        hook_deliveries.insert(tx, [sent])
        hook_deliveries.log(tx, [attempt])
    return sent, attempt


def _test_event(destination: Destination) -> HookDelivery:
    id_, now = ids.new(), clock.now()
    data = {"id": str(id_), "webhookId": str(destination.id), "sent": to_ms(now)}
    return HookDelivery(
        id=id_,
        destination_id=destination.id,
        world=destination.world,
        type=HookEvent.TEST,
        at=now,
        started_at=now,
        body=announcing.written(HookEvent.TEST, data),
    )
