"""Values as filters compare them: text in; a number, an instant, or None out.

PostgreSQL reads the same text in the same way (``store/audience_filters.py``, ``notify_instant``).
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

NUMBER = r"^-?[0-9]{1,100}([.][0-9]{1,100})?([eE][+-]?[0-9]{1,3})?$"
"""A number's text, in Python and in PostgreSQL."""

_NUMBER = re.compile(NUMBER.strip("^$"))
_INSTANT = re.compile(
    r"([1-9][0-9]{3})-([01][0-9])-([0-3][0-9])"
    r"(?:T([01][0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:[.]([0-9]{1,6}))?)?"
    r"(?:Z|([+-])(0[0-9]|1[0-4]):([0-5][0-9]))?)?"
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def number(text: str) -> Decimal | None:
    """The number a text is, exactly."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def instant(text: str) -> timedelta | None:
    """The time since 1970 of an ISO 8601 date, or date and time; UTC unless it names an offset."""
    found = _INSTANT.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, hours, minutes = found.groups()
    try:
        at = datetime(int(year), int(month), int(day), int(hour or 0), int(minute or 0), tzinfo=UTC)
    except ValueError:
        return None
    within = timedelta(seconds=int(second or 0), microseconds=int((fraction or "0").ljust(6, "0")))
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    return at - _EPOCH + within - (-offset if sign == "-" else offset)
