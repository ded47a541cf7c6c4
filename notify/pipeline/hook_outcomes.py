"""What a destination's answers change: deliveries, the log of calls, retries, and whether it is paused."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from notify import clock, log, settings
from notify.model.call import Accepted, Outcome, Transient
from notify.model.hook import Attempt, HookDelivery, HookState
from notify.model.work import Claim, Handoff, PutOff, Wait, Wake
from notify.routing.retry import RetryPolicy
from notify.store import db, hook_deliveries, webhooks, work
from notify.store.webhooks import Destination

ENOUGH_FAILURES = 10
"""Failed calls in a row without which a destination is not paused: a lone one long ago proves nothing."""

_log = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HookJob:
    """One claimed delivery and where it goes."""

    claim: Claim
    delivery: HookDelivery
    destination: Destination


@dataclass(frozen=True, slots=True, kw_only=True)
class HookResult:
    job: HookJob
    outcome: Outcome
    attempt: Attempt


def record(destination: Destination, results: Sequence[HookResult]) -> Handoff:
    """Record what one destination answered; return the wake-ups for what is tried again soon."""
    with db.begin(durable=False) as tx:
        now = clock.now()
        held = work.fence(tx, [result.job.claim for result in results])
        results = [result for result in results if result.job.claim.id in held]
        settled = [settle(result, now, random.random()) for result in results]  # jitter, not a secret
        hook_deliveries.update(tx, settled)
        hook_deliveries.log(tx, [result.attempt for result in results])
        work.finish(tx, [row.id for row in settled if row.state is not HookState.PENDING])
        wakes = put_off(tx, [(r.job, row.next_try_at) for r, row in zip(results, settled, strict=True)], now)
        _judge(tx, destination, [result.outcome for result in results], now)
    return wakes


def settle(result: HookResult, now: datetime, chance: float) -> HookDelivery:
    """The delivery after this outcome. ``chance``: in [0, 1), spreads the retries."""
    delivery, outcome = result.job.delivery, result.outcome
    tried = replace(
        delivery,
        tries=delivery.tries + 1,
        answer_status=result.attempt.status,
        error=result.attempt.error,
        next_try_at=None,
        ended_at=now,
    )
    if isinstance(outcome, Accepted):
        return replace(tried, state=HookState.DELIVERED)
    if isinstance(outcome, Transient) and (due := _retry_at(tried, outcome, now, chance)):
        return replace(tried, next_try_at=due, ended_at=None)
    return replace(tried, state=HookState.FAILED)


def _retry_at(delivery: HookDelivery, outcome: Transient, now: datetime, chance: float) -> datetime | None:
    config = settings.load()
    policy = RetryPolicy(waits_s=config.retry_waits_s, jitter=config.retry_jitter)
    wait_s = policy.wait_s(delivery.tries, outcome.retry_after_s, chance)
    left_s = config.webhook_retry_for_s - (now - delivery.started_at).total_seconds()
    return now + timedelta(seconds=wait_s) if wait_s <= left_s else None


def put_off(
    tx: db.Tx,
    jobs: Sequence[tuple[HookJob, datetime | None]],
    now: datetime,
    wait: Wait = Wait.RETRY,
) -> Handoff:
    """Give held deliveries back until their times (None: they have ended); return the wake-ups."""
    horizon = now + timedelta(seconds=settings.load().horizon_s)
    rows = [
        PutOff(id=job.claim.id, place=job.claim.place, provider_id=job.destination.id, wait=wait, due_at=due)
        for job, due in jobs
        if due
    ]
    work.put_off(tx, rows, horizon=horizon)
    return tuple(Wake(place=r.place, ids=(r.id,), at=r.due_at) for r in rows if r.due_at <= horizon)


def _judge(tx: db.Tx, destination: Destination, outcomes: Sequence[Outcome], now: datetime) -> None:
    """One success clears it; who has failed for too long is paused."""
    if any(isinstance(outcome, Accepted) for outcome in outcomes):
        webhooks.succeeded(tx, destination.id)
    elif outcomes:
        since, failures = webhooks.failed(tx, destination.id, len(outcomes), now)
        patience = timedelta(seconds=settings.load().webhook_pause_after_s)
        if now - since >= patience and failures >= ENOUGH_FAILURES:
            _pause(tx, destination.id, since, failures, now)


def _pause(tx: db.Tx, id_: UUID, since: datetime, failures: int, now: datetime) -> None:
    reason = f"Every call has failed since {since:%Y-%m-%d %H:%M} UTC, {failures} in a row."
    if webhooks.pause(tx, id_, reason, now):
        _log.error("hooks.paused", destination_id=str(id_), since=since.isoformat(), failures=failures)
