"""Outcomes recorded: a delivery's state, its retry, the next provider or channel, the message's status."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from notify import clock, log, settings
from notify.errors import Unavailable
from notify.model.call import Accepted, Blame, Held, Outcome, Permanent, Simulated, Transient
from notify.model.plan import DeliveryState
from notify.model.status import EventType, Status
from notify.model.work import Handoff, Wait
from notify.pipeline import observing
from notify.pipeline.job import Job, Result, Results
from notify.pipeline.progress import Progress
from notify.pipeline.waiting import Waiting
from notify.routing.advance import advance, fallback_exists
from notify.routing.escalation import escalates_at
from notify.routing.retry import RetryPolicy, Trial, retry_at
from notify.store import bulk, db, deliveries, work
from notify.store.deliveries import Delivery
from notify.store.holding import hold

Group = Sequence[tuple[Job, Result]]

_log = log.get(__name__)
_RECORD_FOR_S = 60.0
_PAUSE_S = 0.5


def record(results: Results) -> Handoff:
    """Record a group of results in one durable transaction; return the wake-ups that follow.

    A provider's acceptance must not be forgotten because the database is away for a moment: recording is
    tried for a minute before it is left to the lease.
    """
    give_up = time.monotonic() + _RECORD_FOR_S
    while True:
        try:
            handoff = _record(results)
        except Unavailable:
            if time.monotonic() > give_up:
                raise
            _log.warning("deliver.record_delayed", outcomes=len(results.of))
            threading.Event().wait(_PAUSE_S)
        else:
            observing.decided(results.of, results.lane)
            return handoff


def _record(results: Results) -> Handoff:
    by_message: dict[UUID, list[tuple[Job, Result]]] = defaultdict(list)
    for job, outcome in results.of:
        by_message[job.message.id].append((job, outcome))
    wanted = list(by_message)
    with db.begin() as tx:
        statuses, held = hold(tx, wanted, [job.claim for job, _ in results.of])
        rows = deliveries.of_messages(tx, wanted)
        now = clock.now()
        waiting = Waiting(now=now, open=results.open, recovered=set(results.closed))
        ledger = _Ledger(Progress(now=now, lane=results.lane), waiting)
        for id_, entries in by_message.items():
            current = [(job, outcome) for job, outcome in entries if job.claim.id in held]
            if current and id_ in statuses:
                ledger.settle(current, {row.id: row for row in rows[id_]})
        return ledger.write(tx)


@dataclass(slots=True)
class _Ledger:
    """What one group of outcomes changes."""

    progress: Progress
    waiting: Waiting
    changed: list[Delivery] = field(default_factory=list)
    finished: list[UUID] = field(default_factory=list)

    def settle(self, entries: Group, rows: dict[UUID, Delivery]) -> None:
        """Apply a message's outcomes, then ask what follows."""
        for job, outcome in entries:
            rows[job.delivery.id] = self._result(job, outcome, rows)
        message, plan = entries[0][0].message, entries[0][0].plan
        attempts = [row.attempted() for row in rows.values()]
        decision = advance(plan, attempts, self.progress.now)
        self.progress.start(message, decision.start)
        for sent in (rows[job.delivery.id] for job, outcome in entries if isinstance(outcome, Accepted)):
            if (due := escalates_at(plan, attempts, sent.leaf)) is not None:
                self.progress.escalate(message, sent.id, due)
        if decision.final:
            self.progress.end(message.id, decision.final)

    def _result(self, job: Job, result: Result, rows: dict[UUID, Delivery]) -> Delivery:
        if isinstance(result, Held):
            return self._held(job, result, rows)
        delivery = rows[job.delivery.id]
        if delivery.tries == 0 and job.claim.waited is Wait.TURN:
            # Waiting for its turn is not the provider's fault: its time begins with the first call.
            rows[delivery.id] = replace(delivery, started_at=self.progress.now)
        return self._apply(job, result, rows)

    def _held(self, job: Job, held: Held, rows: Mapping[UUID, Delivery]) -> Delivery:
        delivery = rows[job.delivery.id]
        if reason := self.waiting.hold(job, held, fallback=self._has_fallback(job, rows)):
            return self._failed(job, delivery, reason, Blame.PROVIDER, calls=0)
        if job.claim.waited is not held.wait:
            self._note(job, EventType.WAITING, wait=held.wait, at=held.until.isoformat())
        return delivery

    def _apply(self, job: Job, outcome: Outcome, rows: Mapping[UUID, Delivery]) -> Delivery:
        delivery = replace(rows[job.delivery.id], response=outcome.response)
        if delivery.tries == 0 and (outcome.called or isinstance(outcome, Simulated)):
            self._note(job, EventType.RENDERED, called=outcome.called)
        match outcome:
            case Accepted():
                return self._accepted(job, delivery, outcome)
            case Simulated():
                return self._simulated(job, delivery)
            case Permanent(reason=reason, blame=blame):
                return self._failed(job, delivery, reason, blame)
            case Transient():
                due = self._retry_at(job, outcome, rows)
                is_open = delivery.provider_id in self.waiting.open
                if due is None or (is_open and self._has_fallback(job, rows)):
                    return self._failed(job, delivery, outcome.reason, Blame.PROVIDER)
                return self._again(job, delivery, outcome, due)

    def _accepted(self, job: Job, delivery: Delivery, outcome: Accepted) -> Delivery:
        now, message_id = self.progress.now, delivery.message_id
        sent = replace(
            delivery,
            state=DeliveryState.SENT,
            tries=delivery.tries + 1,
            sent_at=now,
            delivered_at=now if outcome.delivered else delivery.delivered_at,
            error=None,
            reference=dict(outcome.reference),
        )
        self._note(job, EventType.SENT, reference=sent.reference)
        self.progress.status(message_id, Status.SENT)
        self.waiting.went(job)
        if outcome.delivered:
            self._note(job, EventType.DELIVERED, reference=sent.reference)
            self.progress.status(message_id, Status.DELIVERED)
        return self._over(sent)

    def _simulated(self, job: Job, delivery: Delivery) -> Delivery:
        self._note(job, EventType.SIMULATED)
        self.progress.status(delivery.message_id, Status.SIMULATED)
        return self._over(replace(delivery, state=DeliveryState.SIMULATED))

    def _failed(self, job: Job, delivery: Delivery, reason: str, blame: Blame, calls: int = 1) -> Delivery:
        failed = replace(
            delivery, state=DeliveryState.FAILED, tries=delivery.tries + calls, blame=blame, error=reason
        )
        decided = {"guarantee": job.leaf.guarantee} if blame is Blame.UNKNOWN else {}
        self._note(job, EventType.UNDELIVERABLE, error_message=reason, blame=blame, **decided)
        return self._over(failed)

    def _over(self, delivery: Delivery) -> Delivery:
        self.changed.append(delivery)
        self.finished.append(delivery.id)
        return delivery

    def _again(self, job: Job, delivery: Delivery, outcome: Transient, due: datetime) -> Delivery:
        tried = replace(delivery, tries=delivery.tries + 1, error=outcome.reason)
        self._note(job, EventType.RETRYING, error_message=outcome.reason, at=due.isoformat())
        self.changed.append(tried)
        is_open = delivery.provider_id in self.waiting.open
        self.waiting.put_off(job, Wait.CIRCUIT if is_open else Wait.RETRY, due)
        return tried

    def _retry_at(self, job: Job, outcome: Transient, rows: Mapping[UUID, Delivery]) -> datetime | None:
        delivery, config = rows[job.delivery.id], settings.load()
        return retry_at(
            outcome,
            Trial(
                leaf=job.leaf,
                candidate=delivery.candidate,
                tries=delivery.tries + 1,
                started_at=delivery.started_at,
                channel_started_at=min(r.started_at for r in rows.values() if r.leaf == delivery.leaf),
            ),
            policy=RetryPolicy(waits_s=config.retry_waits_s, jitter=config.retry_jitter),
            deadline=job.plan.deadline,
            fallback=self._has_fallback(job, rows),
            now=self.progress.now,
            chance=random.random(),  # jitter, not a secret
        )

    def _has_fallback(self, job: Job, rows: Mapping[UUID, Delivery]) -> bool:
        attempts = [row.attempted() for row in rows.values()]
        return fallback_exists(job.plan, attempts, job.delivery.leaf, job.delivery.candidate)

    def _note(self, job: Job, type_: EventType, **detail: object) -> None:
        integration = {"id": str(job.delivery.provider_id), "provider": job.delivery.provider}
        self.progress.note(
            job.message.id, type_, channel=job.delivery.channel, integration=integration, **detail
        )

    def write(self, tx: db.Tx) -> Handoff:
        """Write it all; return the wake-ups for what was started and what is tried again soon."""
        with bulk.together(tx):
            deliveries.update(tx, self.changed)
            work.finish(tx, self.finished)
            return self.waiting.write(tx) + self.progress.write(tx)
