"""The guarantee of a delivery: what is done when nobody knows whether its provider took it.

``at_least_once`` tries again. ``at_most_once`` marks, durably and before a call, that it begins; whoever
finds the mark without an outcome, or gets no answer to a request that may have arrived, ends the delivery
with the reason and lets nothing follow it.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

from notify import clock, log
from notify.errors import Unavailable
from notify.model.call import Answer, Blame, HttpAnswer, NoAnswer, Permanent
from notify.model.names import Guarantee
from notify.model.status import Status
from notify.pipeline import claims
from notify.pipeline.job import Job
from notify.store import db, deliveries
from notify.store.holding import hold
from notify.transport import Begin

_log = log.get(__name__)
# What a proxy says when it has no answer to pass on.
_NO_ANSWER_BEHIND = frozenset({502, 504})


def is_once(job: Job) -> bool:
    """Whether the delivery must never be sent twice."""
    return job.leaf.guarantee is Guarantee.AT_MOST_ONCE


def doubted(job: Job) -> Permanent | None:
    """The end of a delivery whose earlier call has no outcome; None: it may be called."""
    if job.delivery.called_at is None or not is_once(job):
        return None
    return _doubt("a worker died during the call")


def doubtful(job: Job, answer: Answer) -> Permanent | None:
    """The end of a delivery whose ``answer`` leaves open whether it was sent; None: the answer says so."""
    if not is_once(job):
        return None
    match answer:
        case NoAnswer(maybe_sent=True):
            return _doubt(answer.error)
        case HttpAnswer(status=status) if status in _NO_ANSWER_BEHIND:
            return _doubt(f"HTTP {status}")
    return None


def _doubt(what: str) -> Permanent:
    reason = f"Not sent again, since it may have been sent ({Guarantee.AT_MOST_ONCE}): {what}."
    return Permanent(reason=reason, blame=Blame.UNKNOWN)


def gate(jobs: Mapping[UUID, Job]) -> Begin[UUID]:
    """What says, when the time of calls has come, which may be made: none that another worker has taken over.

    That a call for at most once begins is marked first.
    """
    return lambda due: _allowed([jobs[id_] for id_ in due])


def _allowed(due: Sequence[Job]) -> set[UUID]:
    ours = claims.holding([job.claim for job in due])
    once = [job for job in due if is_once(job)]
    marked = _begin([job for job in once if job.delivery.id in ours])
    return ours - {job.delivery.id for job in once} | marked


def _begin(jobs: Sequence[Job]) -> set[UUID]:
    """Left out is what was canceled, or taken over by another worker, in the meantime."""
    if not jobs:
        return set()
    try:
        return _mark(jobs)
    except Unavailable:
        # The calls of others are under way. These were not made, and are tried again after their lease.
        _log.warning("deliver.begin_failed", deliveries=len(jobs))
        return set()


def _mark(jobs: Sequence[Job]) -> set[UUID]:
    with db.begin() as tx:
        statuses, held = hold(tx, sorted({job.message.id for job in jobs}), [job.claim for job in jobs])
        current = [
            job.delivery
            for job in jobs
            if job.claim.id in held and statuses.get(job.message.id) is not Status.CANCELED
        ]
        return deliveries.call(tx, current, clock.now())
