"""Which messages may still go out: send limits and what was counted so far in, verdicts out. Pure."""

from calendar import monthrange
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from notify.model.plan import Final
from notify.model.send_limit import Guardrails, Period, Scope, SendLimit
from notify.model.status import Status

Id = TypeVar("Id")
Key = tuple[SendLimit, tuple[str, ...]]
"""A counter: a limit, and whose messages it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender(Generic[Id]):
    """A message as limits see it; they do not apply to what it has none of."""

    id: Id
    user_id: str | None = None
    tenant_id: str | None = None
    topic: str | None = None


def begin(period: Period, now: datetime, billing_day: int = 1) -> datetime:
    """When the period that ``now`` (UTC) lies in began.

    ``billing_day``: of the month, on which billing periods begin; the last one where a month has no such day.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)
    midnight = hour.replace(hour=0)
    match period:
        case Period.HOUR:
            return hour
        case Period.DAY:
            return midnight
        case Period.WEEK:
            return midnight - timedelta(days=now.isoweekday() % 7)
        case Period.MONTH:
            return midnight.replace(day=1)
        case Period.BILLING:
            return _billing(midnight, billing_day)


def _billing(midnight: datetime, day: int) -> datetime:
    if (start := _on(midnight, day)) <= midnight:
        return start
    return _on(midnight.replace(day=1) - timedelta(days=1), day)


def _on(month: datetime, day: int) -> datetime:
    return month.replace(day=min(day, monthrange(month.year, month.month)[1]))


def counters(rails: Guardrails, sender: Sender[Id]) -> Iterator[Key]:
    """The counters that a message counts in."""
    own = {limit.period for limit in rails.limits if limit.topic_id and limit.topic_id == sender.topic}
    for limit in rails.limits:
        if limit.topic_id not in (None, sender.topic) or _is_beaten(limit, own):
            continue
        parts = {
            Scope.GLOBAL: (),
            Scope.USER: (sender.user_id,),
            Scope.USER_TOPIC: (sender.user_id, sender.topic),
            Scope.TENANT: (sender.tenant_id,),
        }[limit.scope]
        named = tuple(part for part in parts if part)
        if len(named) == len(parts):
            yield limit, named


def _is_beaten(limit: SendLimit, own: Collection[Period]) -> bool:
    """``own``: the periods for which the message's topic has a limit of its own."""
    return limit.scope is Scope.USER_TOPIC and limit.topic_id is None and limit.period in own


def decide(
    rails: Guardrails, senders: Sequence[Sender[Id]], counted: Mapping[Key, int]
) -> tuple[dict[Id, Final], Counter[Key]]:
    """Which messages end here, and by how much each counter grows. The first come first.

    What is over one limit counts in none, so that a flood to one user leaves everybody else's share alone.
    """
    over: dict[Id, Final] = {}
    grown: Counter[Key] = Counter()
    for sender in senders:
        keys = list(counters(rails, sender))
        reached = next((key[0] for key in keys if counted[key] + grown[key] >= key[0].maximum), None)
        if reached and sender.topic not in rails.exempt:
            over[sender.id] = Final(status=Status.THROTTLED, error=_words(reached))
        else:
            grown.update(keys)
    return over, grown


def _words(limit: SendLimit) -> str:
    whom = {Scope.GLOBAL: "", Scope.USER_TOPIC: " per user and topic"}.get(limit.scope, f" per {limit.scope}")
    period = "billing period" if limit.period is Period.BILLING else limit.period
    return f"Send limit reached: {limit.maximum} in one {period}{whom}."
