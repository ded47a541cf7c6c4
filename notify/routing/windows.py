"""When a delivery window is open: a window, a zone and an instant in, the instant it opens out.

An instant is inside when a wall clock of the zone shows a time inside: where clocks go back, an hour can be
open twice; what they skip does not happen. The library reads the rules and is asked in wall-clock time only,
since its own idea of changing clocks is another one.
"""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache

from opening_hours import OpeningHours

from notify.model.window import Window

LOOK_AHEAD = timedelta(days=90)
# No zone changes its clocks twice in one of these.
_STEP = timedelta(days=7)


def opens_at(window: Window, zone: tzinfo, now: datetime) -> datetime | None:
    """``now`` if the window is open, else when it opens next; None if it does not within 90 days.

    A start is inside, an end is not. ``now`` and the answer are in UTC.
    """
    rules = _rules(window)
    for begin, end, offset in _stretches(zone, now, now + LOOK_AHEAD):
        wall = begin.replace(tzinfo=None) + offset
        if any(rule.is_open(wall) for rule in rules):
            return begin
        openings = [change for rule in rules if (change := rule.next_change(wall)) is not None]
        if openings and (opening := min(openings).replace(tzinfo=UTC) - offset) < end:
            return opening
    return None


@lru_cache(maxsize=1024)
def _rules(window: Window) -> tuple[OpeningHours, ...]:
    return tuple(OpeningHours(rule) for rule in window.rules)


def _stretches(
    zone: tzinfo, begin: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Begin, end and offset of stretches, a week at most, in which the wall clock runs evenly."""
    while begin < end:
        offset, stop = _offset(zone, begin), min(begin + _STEP, end)
        if _offset(zone, stop) != offset:
            stop = _clock_change(zone, begin, stop, offset)
        yield begin, stop, offset
        begin = stop


def _clock_change(zone: tzinfo, begin: datetime, end: datetime, offset: timedelta) -> datetime:
    """The first second after ``begin`` at which the zone's offset is another one."""
    seconds = range(int(begin.timestamp()) + 1, int(end.timestamp()) + 1)
    changed = bisect_left(
        seconds, True, key=lambda second: _offset(zone, datetime.fromtimestamp(second, UTC)) != offset
    )
    return datetime.fromtimestamp(seconds.start + changed, UTC)


def _offset(zone: tzinfo, at: datetime) -> timedelta:
    offset = at.astimezone(zone).utcoffset()
    assert offset is not None
    return offset
