"""Outcomes recorded: a delivery's state, its retry, the next provider or channel, the message's status."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from notify import clock, log, settings
from notify.errors import Unavailable
from notify.model.call import Accepted, Blame, Outcome, Permanent, Transient
from notify.model.names import Lane
from notify.model.plan import DeliveryState
from notify.model.status import EventType, Status
from notify.model.work import Handoff, Place, Wake
from notify.pipeline.job import Job
from notify.pipeline.progress import Progress
from notify.routing.advance import advance, fallback_exists, leaves_of
from notify.routing.retry import RetryPolicy, Trial, retry_at
from notify.store import db, deliveries, messages, work
from notify.store.deliveries import Delivery

Group = Sequence[tuple[Job, Outcome]]

_log = log.get(__name__)
_RECORD_FOR_S = 60.0
_PAUSE_S = 0.5


def record(group: Group, lane: Lane) -> Handoff:
    """Record a group of outcomes in one durable transaction; return the wake-ups that follow.

    A provider's acceptance must not be forgotten because the database is away for a moment: recording is
    tried for a minute before it is left to the lease.
    """
    give_up = time.monotonic() + _RECORD_FOR_S
    while True:
        try:
            return _record(group, lane)
        except Unavailable:
            if time.monotonic() > give_up:
                raise
            _log.warning("deliver.record_delayed", outcomes=len(group))
            threading.Event().wait(_PAUSE_S)


def _record(group: Group, lane: Lane) -> Handoff:
    by_message: dict[UUID, list[tuple[Job, Outcome]]] = defaultdict(list)
    for job, outcome in group:
        by_message[job.message.id].append((job, outcome))
    wanted = list(by_message)
    with db.begin() as tx:
        statuses = messages.lock(tx, wanted)
        held = work.fence(tx, [job.claim for job, _ in group])
        rows = deliveries.of_messages(tx, wanted)
        ledger = _Ledger(Progress(now=clock.now(), lane=lane))
        for id_, entries in by_message.items():
            current = [(job, outcome) for job, outcome in entries if job.claim.id in held]
            if current and id_ in statuses:
                ledger.settle(current, {row.id: row for row in rows[id_]})
        return ledger.write(tx)


@dataclass(slots=True)
class _Ledger:
    """What one group of outcomes changes."""

    progress: Progress
    changed: list[Delivery] = field(default_factory=list)
    retries: list[tuple[UUID, Place, datetime]] = field(default_factory=list)
    finished: list[UUID] = field(default_factory=list)

    def settle(self, entries: Group, rows: dict[UUID, Delivery]) -> None:
        """Apply a message's outcomes, then ask what follows."""
        for job, outcome in entries:
            rows[job.delivery.id] = self._apply(job, outcome, rows)
        message, plan = entries[0][0].message, entries[0][0].plan
        decision = advance(plan, [row.attempted() for row in rows.values()], self.progress.now)
        self.progress.start(message, decision.start)
        if decision.final:
            self.progress.end(message.id, decision.final)

    def _apply(self, job: Job, outcome: Outcome, rows: Mapping[UUID, Delivery]) -> Delivery:
        delivery = rows[job.delivery.id]
        if delivery.tries == 0:
            self._note(job, EventType.RENDERED)
        match outcome:
            case Accepted():
                return self._accepted(job, delivery, outcome)
            case Permanent(reason=reason, blame=blame):
                return self._failed(job, delivery, reason, blame)
            case Transient():
                due = self._retry_at(job, outcome, rows)
                if due is None:
                    return self._failed(job, delivery, outcome.reason, Blame.PROVIDER)
                return self._again(job, delivery, outcome, due)

    def _accepted(self, job: Job, delivery: Delivery, outcome: Accepted) -> Delivery:
        now, message_id = self.progress.now, delivery.message_id
        sent = replace(
            delivery,
            state=DeliveryState.SENT,
            tries=delivery.tries + 1,
            sent_at=now,
            delivered_at=now if outcome.delivered else None,
            error=None,
            reference=dict(outcome.reference),
        )
        self._note(job, EventType.SENT, reference=sent.reference)
        self.progress.status(message_id, Status.SENT)
        if outcome.delivered:
            self._note(job, EventType.DELIVERED, reference=sent.reference)
            self.progress.status(message_id, Status.DELIVERED)
        return self._over(sent)

    def _failed(self, job: Job, delivery: Delivery, reason: str, blame: Blame) -> Delivery:
        failed = replace(
            delivery, state=DeliveryState.FAILED, tries=delivery.tries + 1, blame=blame, error=reason
        )
        self._note(job, EventType.UNDELIVERABLE, error_message=reason, blame=blame)
        return self._over(failed)

    def _over(self, delivery: Delivery) -> Delivery:
        self.changed.append(delivery)
        self.finished.append(delivery.id)
        return delivery

    def _again(self, job: Job, delivery: Delivery, outcome: Transient, due: datetime) -> Delivery:
        tried = replace(delivery, tries=delivery.tries + 1, error=outcome.reason)
        self._note(job, EventType.RETRYING, error_message=outcome.reason, at=due.isoformat())
        self.changed.append(tried)
        self.retries.append((delivery.id, job.claim.place, due))
        return tried

    def _retry_at(self, job: Job, outcome: Transient, rows: Mapping[UUID, Delivery]) -> datetime | None:
        delivery, config = rows[job.delivery.id], settings.load()
        attempts = [row.attempted() for row in rows.values()]
        leaf = next(leaf for leaf in leaves_of(job.plan.root) if leaf.key == delivery.leaf)
        return retry_at(
            outcome,
            Trial(
                leaf=leaf,
                candidate=delivery.candidate,
                tries=delivery.tries + 1,
                started_at=delivery.started_at,
                channel_started_at=min(r.started_at for r in rows.values() if r.leaf == delivery.leaf),
            ),
            policy=RetryPolicy(waits_s=config.retry_waits_s, jitter=config.retry_jitter),
            deadline=job.plan.deadline,
            fallback=fallback_exists(job.plan, attempts, delivery.leaf, delivery.candidate),
            now=self.progress.now,
            chance=random.random(),  # jitter, not a secret
        )

    def _note(self, job: Job, type_: EventType, **detail: object) -> None:
        integration = {"id": str(job.delivery.provider_id), "provider": job.delivery.provider}
        self.progress.note(
            job.message.id, type_, channel=job.delivery.channel, integration=integration, **detail
        )

    def write(self, tx: db.Tx) -> Handoff:
        """Write it all; return the wake-ups for what was started and what is tried again soon."""
        horizon = self.progress.now + timedelta(seconds=settings.load().horizon_s)
        deliveries.update(tx, self.changed)
        work.finish(tx, self.finished)
        work.move(tx, self.retries, horizon=horizon)
        again = tuple(
            Wake(place=place, ids=(id_,), at=due) for id_, place, due in self.retries if due <= horizon
        )
        return again + self.progress.write(tx)
