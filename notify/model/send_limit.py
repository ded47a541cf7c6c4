"""Send limits: how many messages may go out per scope and calendar period."""

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """Whose messages are counted together."""

    GLOBAL = "global"
    USER = "user"
    USER_TOPIC = "user_topic"
    TENANT = "tenant"


class Period(StrEnum):
    """Calendar periods in UTC; a week begins on Sunday."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendLimit:
    """At most ``maximum`` messages of one ``scope`` in one ``period``."""

    scope: Scope
    period: Period
    maximum: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Guardrails:
    """The send limits of a world. ``exempt``: topics whose messages are counted but never held back."""

    limits: tuple[SendLimit, ...] = ()
    exempt: frozenset[str] = frozenset()
