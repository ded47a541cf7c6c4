"""hooks: events that destinations of outbound webhooks are to hear of in; calls made and recorded out.

What an event says is written at its first try, as of when it happened, and kept: every try and every replay
sends the same bytes. No transaction is open while destinations are called.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from notify import clock, log
from notify.model.hook import HookDelivery, HookState
from notify.model.names import Lane
from notify.model.work import Claim, Done, Place, Stage
from notify.pipeline import announcing, shown
from notify.pipeline.claims import set_aside, take
from notify.pipeline.hook_lines import lines
from notify.pipeline.hook_outcomes import HookJob
from notify.store import db, deliveries, hook_deliveries, messages, webhooks, work
from notify.store.deliveries import Delivery
from notify.store.webhooks import Destination

_log = log.get(__name__)
_REMOVED = "The destination was removed."
_GONE = "The message is gone: it was older than what is kept."


def run(told: Sequence[UUID], lane: Lane) -> Done:
    """Send the events that are ready; those of a slow destination may still be under way afterwards."""
    place = Place(stage=Stage.HOOKS, lane=lane)
    with db.begin(durable=False) as tx:
        claims, more = take(tx, place, told)
        jobs = _jobs(tx, claims) if claims else []
    lines().send(jobs)
    return Done(claimed=len(claims), handoff=more)


def _jobs(tx: db.Tx, claims: Sequence[Claim]) -> list[HookJob]:
    """What is to be sent; what cannot be ends here."""
    destinations = {one.id: one for one in webhooks.known(tx)}
    rows = hook_deliveries.load(tx, [claim.id for claim in claims])
    rows |= _with_bodies(tx, [row for row in rows.values() if row.body is None])
    over = dict(_over(claims, rows, destinations))
    hook_deliveries.update(tx, list(over.values()))
    # Gone with retention: nothing is left to do.
    work.finish(tx, [claim.id for claim in claims if claim.id in over or claim.id not in rows])
    return [
        HookJob(claim=c, delivery=rows[c.id], destination=destinations[rows[c.id].destination_id])
        for c in claims
        if c.id in rows and c.id not in over
    ]


def _over(
    claims: Sequence[Claim], rows: Mapping[UUID, HookDelivery], destinations: Mapping[UUID, Destination]
) -> Iterator[tuple[UUID, HookDelivery]]:
    for claim in claims:
        row = rows.get(claim.id)
        if row is None:
            continue
        destination = destinations.get(row.destination_id)
        if destination and destination.paused_at:
            yield row.id, replace(row, state=HookState.HELD, next_try_at=None)
        elif (
            error := set_aside(claim) or (None if destination else _REMOVED) or (None if row.body else _GONE)
        ):
            _log.warning("hooks.failed", delivery_id=str(row.id), error=error)
            yield (
                row.id,
                replace(row, state=HookState.FAILED, error=error, next_try_at=None, ended_at=clock.now()),
            )


def _with_bodies(tx: db.Tx, rows: Sequence[HookDelivery]) -> dict[UUID, HookDelivery]:
    """The rows with what they say, which is kept from now on; those whose message is gone stay without."""
    wanted = sorted({row.message_id for row in rows if row.message_id})
    if not wanted:
        return {}
    found, tried = messages.shown(tx, wanted), deliveries.of_messages(tx, wanted)
    bodies = {
        row.id: _body(row, found[row.message_id], tried.get(row.message_id, ()))
        for row in rows
        if row.message_id in found
    }
    hook_deliveries.set_bodies(tx, bodies)
    return {row.id: replace(row, body=bodies[row.id]) for row in rows if row.id in bodies}


def _body(row: HookDelivery, message: Any, tried: Sequence[Delivery]) -> str:
    assert row.status is not None
    return announcing.written(row.type, shown.as_of(message, tried, row.status, row.at))
