"""Escalation: how long after SENT a message's criterion may be unmet, and when to look at a delivery again.

What follows then is ``advance``'s decision, as after any other news. The criterion is the message's: once it
is met on any channel, nothing escalates any more.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from notify.model.plan import Attempted, Criterion, DeliveryState, Escalation, Leaf, Method, Plan
from notify.model.wire import MessageTimeouts
from notify.routing.leaves import Entry, by_leaf, leaves_of

# What came back was sent: it leads on only by escalation.
WAS_SENT = frozenset({DeliveryState.SENT, DeliveryState.RETURNED})
_RISING = tuple(Criterion)


def escalation(timeout: MessageTimeouts | None) -> Escalation | None:
    """What a message asks for; None without a time or a criterion."""
    if timeout is None or timeout.escalation is None or timeout.criteria in {None, "no-escalation"}:
        return None
    return Escalation(criterion=Criterion(timeout.criteria), after_ms=timeout.escalation)


def patience(plan: Plan, attempts: Iterable[Attempted]) -> timedelta | None:
    """How long after SENT the next entry of a ``single`` starts; None: it does not, or not any more."""
    if plan.escalation is None or any(_meets(attempt, plan.escalation.criterion) for attempt in attempts):
        return None
    return timedelta(milliseconds=plan.escalation.after_ms)


def _meets(attempt: Attempted, criterion: Criterion) -> bool:
    return attempt.reached is not None and _RISING.index(attempt.reached) >= _RISING.index(criterion)


def escalates_at(plan: Plan, attempts: Sequence[Attempted], leaf_key: str) -> datetime | None:
    """When a leaf that was sent must be looked at again; None: nothing could follow it."""
    if (wait := patience(plan, attempts)) is None:
        return None
    grouped = by_leaf(attempts)
    sent = [sent_at(attempt) for attempt in grouped.get(leaf_key, ()) if attempt.state in WAS_SENT]
    if not sent or not _successor_exists(plan.root, leaf_key, grouped.keys()):
        return None
    due = min(sent) + wait
    return due if due < plan.deadline else None


def sent_at(attempt: Attempted) -> datetime:
    return attempt.sent_at or attempt.started_at


def _successor_exists(entry: Entry, key: str, begun: Collection[str]) -> bool:
    """Whether a ``single`` around the leaf ``key`` has a later leaf that has not begun."""
    if isinstance(entry, Leaf):
        return False
    for index, child in enumerate(entry.entries):
        if any(leaf.key == key for leaf in leaves_of(child)):
            later = entry.entries[index + 1 :] if entry.method is Method.SINGLE else ()
            waiting = any(leaf.key not in begun for each in later for leaf in leaves_of(each))
            return waiting or _successor_exists(child, key, begun)
    return False
