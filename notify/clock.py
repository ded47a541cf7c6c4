"""The time, in one place, so that a test can move it. Always aware, always UTC.

Once a process has asked PostgreSQL it is PostgreSQL's time, carried on by a clock that nobody can set: all
machines go by one clock, and one that jumps by an hour holds nothing up for an hour. A process asks when its
first transaction begins: whoever takes the time for what it stores takes it inside.
"""

import time
from collections.abc import Callable
from datetime import UTC as UTC
from datetime import datetime, timedelta

_ASK_EVERY_S = 1.0
_TOLERANCE = timedelta(milliseconds=250)

_anchor: tuple[datetime, float] | None = None
_asked_at = float("-inf")
_ahead: Callable[[], timedelta] | None = None


def now() -> datetime:
    """The current instant in UTC."""
    if _anchor is None:
        return _wall()
    at, since = _anchor
    return at + timedelta(seconds=time.monotonic() - since)


def steady() -> datetime:
    """The current instant by this machine's clock as it was when first asked: jumps are not seen."""
    if _anchor is None:
        _set(_wall())
    return now()


def _wall() -> datetime:
    at = datetime.now(UTC)
    return at if _ahead is None else at + _ahead()


def wants_agreement() -> bool:
    """Whether it is time to ask the database what time it is; the asker then says so to ``agree``."""
    return time.monotonic() >= _asked_at + _ASK_EVERY_S


def agree(at: datetime) -> None:
    """``at`` is the time now, by the clock that all go by; less than a quarter of a second is let be."""
    global _asked_at
    _asked_at = time.monotonic()
    if _anchor is None or abs(now() - at) > _TOLERANCE:
        _set(at)


def _set(at: datetime) -> None:
    global _anchor
    _anchor = (at, time.monotonic())


def put_ahead(by: Callable[[], timedelta] | None) -> None:
    """Have this machine's clock be wrong by what ``by`` says; None: right again. For fault injection only."""
    global _ahead
    _ahead = by


def to_ms(at: datetime | None) -> int | None:
    """Epoch milliseconds, the form of every time in a message answer."""
    return None if at is None else int(at.timestamp() * 1000)
