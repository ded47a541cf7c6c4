"""Send limits: how many messages may go out per scope and calendar period."""

from dataclasses import dataclass
from enum import StrEnum

NOTICE_TOPIC = "notify.send-limits"
"""The topic of our own e-mail about limits, which no limit counts or holds back."""


class Scope(StrEnum):
    """Whose messages are counted together."""

    GLOBAL = "global"
    USER = "user"
    USER_TOPIC = "user_topic"
    TENANT = "tenant"


class Period(StrEnum):
    """Calendar periods in UTC; a week begins on Sunday, a billing period on the day of the settings."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    BILLING = "billing"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendLimit:
    """At most ``maximum`` messages of one ``scope`` in one ``period``.

    ``topic_id``: of this topic alone, with the scope USER_TOPIC; it beats the limit for every topic.
    """

    scope: Scope
    period: Period
    maximum: int
    topic_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrails:
    """The send limits of a world. ``exempt``: topics whose messages are counted but never held back."""

    limits: tuple[SendLimit, ...] = ()
    exempt: frozenset[str] = frozenset()
