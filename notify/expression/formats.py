"""Dates and numbers as text: a value and a format go in, a text comes out."""

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from notify.errors import ContentError
from notify.expression.values import absent, is_number, text

# strftime lets a width of any size stand between the percent sign and the letter.
_DATE = re.compile(r"(?:[^%\x00]|%[-_^#0]?[aAbBcdHIjmMpSUwWxXyYzZeDFRTuVGgCklhnt%f])*")
_NUMBER = re.compile(r"%?([+]?0?\d{0,2},?(?:\.\d{1,2})?[fde%g]?)")


def format_date(value: Any, format: str = "%Y-%m-%d", tz: str = "UTC") -> str:
    """Epoch milliseconds or an ISO 8601 text by strftime's codes, in UTC unless a zone is named.

    Raises:
        ContentError: no date, an unknown zone or code.
    """
    if absent(value) or value == "":
        return ""
    if len(format) > 200 or not _DATE.fullmatch(format):
        raise ContentError(f"`{format[:50]}` is not a date format; write one like `%d %B %Y, %H:%M`")
    try:
        return moment(value).astimezone(zone(tz)).strftime(format)
    except (ValueError, OverflowError, OSError):
        raise ContentError(
            f"`{text(value)[:50]}` is not a date; pass epoch milliseconds or ISO 8601"
        ) from None


def moment(value: Any) -> datetime:
    """Epoch milliseconds or ISO 8601, in UTC unless it says otherwise. Raises ValueError for others."""
    if is_number(value):
        return datetime.fromtimestamp(value / 1000, UTC)
    found = datetime.fromisoformat(text(value).strip())
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@lru_cache(maxsize=1024)
def zone(name: str) -> ZoneInfo:
    """The time zone. Raises ContentError for a name that is none."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ContentError(f"`{name[:50]}` is not a time zone; write one like `Europe/Berlin`") from None


def format_number(value: Any, format: str = ",.2f") -> str:
    """A number by a format such as ``.2f``, ``%.2f``, ``,.0f`` (thousands) or ``d``.

    Raises:
        ContentError: no number, or an unknown format.
    """
    if absent(value):
        return ""
    wanted = _NUMBER.fullmatch(format)
    if wanted is None:
        raise ContentError(f"`{format[:50]}` is not a number format; write one like `,.2f`")
    if not is_number(value):
        raise ContentError(f"`{text(value)[:50]}` is not a number")
    spec = wanted[1]
    return f"{int(value) if spec.endswith('d') else value:{spec}}"
