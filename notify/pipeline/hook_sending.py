"""Calls to one destination: claimed deliveries in, the answers as they come in out, each with its attempt."""

import time
from collections.abc import Iterator, Sequence
from datetime import datetime

from notify import clock, log
from notify.model.call import Accepted, Answer, HttpCall, Outcome, Transient
from notify.model.hook import Attempt, HookDelivery
from notify.pipeline import hook_calls
from notify.pipeline.hook_outcomes import HookJob, HookResult
from notify.store.webhooks import Destination

_log = log.get(__name__)


def send(jobs: Sequence[HookJob]) -> Iterator[list[HookResult]]:
    """Call once for each of these, all of one destination, at the same time."""
    by_id = {job.delivery.id: job for job in jobs}
    for group in call_all(jobs[0].destination, [job.delivery for job in jobs]):
        yield [
            HookResult(job=by_id[attempt.delivery_id], outcome=outcome, attempt=attempt)
            for outcome, attempt in group
        ]


def call_all(
    destination: Destination, deliveries: Sequence[HookDelivery]
) -> Iterator[list[tuple[Outcome, Attempt]]]:
    """The outcomes, in groups as they come in."""
    now, begun = clock.now(), time.monotonic()
    try:
        calls = [(d, hook_calls.call(destination, d.id, d.body or "", now)) for d in deliveries]
    except Exception as error:  # noqa: BLE001  # its secret cannot be read: that is ours, and can be mended
        _log.exception("hooks.unprepared", destination_id=str(destination.id))
        failed = Transient(reason=f"The call could not be prepared ({type(error).__name__}).")
        yield [(failed, _attempt(d, failed, None, now, begun)) for d in deliveries]
        return
    yield from _answers(calls, now, begun)


def _answers(
    calls: Sequence[tuple[HookDelivery, HttpCall]], now: datetime, begun: float
) -> Iterator[list[tuple[Outcome, Attempt]]]:
    deliveries = {delivery.id: delivery for delivery, _ in calls}
    for group in hook_calls.transport().execute([(delivery.id, call) for delivery, call in calls]):
        read = [(deliveries[id_], hook_calls.outcome(answer), answer) for id_, answer in group]
        yield [(outcome, _attempt(d, outcome, answer, now, begun)) for d, outcome, answer in read]


def _attempt(
    delivery: HookDelivery, outcome: Outcome, answer: Answer | None, at: datetime, begun: float
) -> Attempt:
    return Attempt(
        delivery_id=delivery.id,
        at=at,
        duration_ms=round((time.monotonic() - begun) * 1000),
        status=hook_calls.status_of(answer) if answer else None,
        error=None if isinstance(outcome, Accepted) else str(getattr(outcome, "reason", "")),
    )
