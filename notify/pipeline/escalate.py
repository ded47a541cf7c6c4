"""escalate: deliveries whose time to reach somebody is up in; the next channel of their message out.

Whether that time has passed in vain is ``advance``'s to say, which sees what providers and recipients have
reported by now.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from notify import clock
from notify.model.names import Lane
from notify.model.plan import Escalation, Plan, Start
from notify.model.status import EventType, Status
from notify.model.work import Claim, Done, Handoff, Place, Stage
from notify.pipeline.claims import set_aside, take
from notify.pipeline.progress import Progress, escalation_of
from notify.routing.advance import advance
from notify.store import contents, db, deliveries, messages, work
from notify.store.deliveries import Delivery
from notify.store.holding import hold
from notify.store.messages import StoredMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What a batch needs from the store, read with its messages locked."""

    messages: Mapping[UUID, StoredMessage]
    plans: Mapping[UUID, Plan]
    deliveries: Mapping[UUID, Sequence[Delivery]]


def run(told: Sequence[UUID], lane: Lane) -> Done:
    """Escalate what is due and was neither delivered, viewed nor clicked as its sender asked."""
    place = Place(stage=Stage.ESCALATE, lane=lane)
    with db.begin(durable=False) as tx:
        claims, more = take(tx, place, told)
    if not claims:
        return Done(handoff=more)
    return Done(claimed=len(claims), handoff=more + _record(claims, lane))


def _record(claims: Sequence[Claim], lane: Lane) -> Handoff:
    with db.begin(durable=False) as tx:
        statuses, held = hold(tx, [claim.message_id for claim in claims], claims)
        known = _load(tx, [id_ for id_, status in statuses.items() if status is not Status.CANCELED])
        progress = Progress(now=clock.now(), lane=lane)
        for claim in claims:
            if claim.id in held and claim.message_id in known.plans and not set_aside(claim):
                _escalate(progress, claim, known)
        wakes = progress.write(tx)
        work.finish(tx, held)
    return wakes


def _load(tx: db.Tx, wanted: Sequence[UUID]) -> _Known:
    return _Known(
        messages=messages.load(tx, wanted),
        plans=contents.plans(tx, wanted),
        deliveries=deliveries.of_messages(tx, wanted),
    )


def _escalate(progress: Progress, claim: Claim, known: _Known) -> None:
    plan, rows = known.plans[claim.message_id], known.deliveries[claim.message_id]
    sent_at = next((row.sent_at for row in rows if escalation_of(row.id) == claim.id), None)
    if plan.escalation is None or sent_at is None:
        return
    # The row is due by the database's clock; ours may be behind, and there is no second look.
    now = max(progress.now, sent_at + timedelta(milliseconds=plan.escalation.after_ms))
    decision = advance(plan, [row.attempted() for row in rows], now)
    progress.start(known.messages[claim.message_id], decision.start)
    for start in decision.start:
        _note(progress, claim.message_id, start, plan.escalation)


def _note(progress: Progress, message_id: UUID, start: Start, escalation: Escalation) -> None:
    provider = start.leaf.candidates[start.candidate]
    progress.note(
        message_id,
        EventType.ESCALATED,
        channel=start.leaf.channel,
        integration={"id": provider.id, "provider": provider.provider},
        criterion=escalation.criterion,
        after_ms=escalation.after_ms,
    )
