"""How a template fares: a window of time in, one bucket after the other with what was sent in it out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import TypeAdapter, ValidationError

from notify import clock
from notify.errors import InvalidParams
from notify.model.names import World
from notify.store import db, template_metrics, templates

MAX_BUCKETS = 1000
DEFAULT_LOOKBACK = "P30D"
_EARLIEST = datetime(2000, 1, 1, tzinfo=clock.UTC)
_LATEST = datetime(2200, 1, 1, tzinfo=clock.UTC)


class Granularity(StrEnum):
    """How long a bucket is; weeks begin on Sunday."""

    HOUR = "HOUR"
    DAY = "DAY"
    WEEK = "WEEK"
    MONTH = "MONTH"


_LONGEST: Mapping[Granularity, timedelta] = {
    Granularity.HOUR: timedelta(days=7),
    Granularity.DAY: timedelta(days=90),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """``edges``: where the buckets begin, and where the last ends. ``rows``: by bucket, from 1."""

    edges: Sequence[datetime]
    rows: Sequence[Any]


def series(
    world: World,
    id_: str,
    granularity: Granularity,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    lookback: str | None = None,
) -> Series:
    """The messages of a template over a window, which is widened to whole buckets.

    Raises:
        InvalidParams: the window is malformed or too wide.
    """
    edges = _edges(*_window(start, end, lookback), granularity)
    with db.begin() as tx:
        found = templates.get(tx, world, id_)
        names = [id_, found.alias] if found and found.alias else [id_]
        return Series(edges=edges, rows=template_metrics.count(tx, world, names, edges))


def _window(start: datetime | None, end: datetime | None, lookback: str | None) -> tuple[datetime, datetime]:
    if (start is None) != (end is None):
        raise InvalidParams("start and end must be given together")
    if start is None or end is None:
        return _looking_back(lookback or DEFAULT_LOOKBACK)
    if start.tzinfo is None or end.tzinfo is None:
        raise InvalidParams("start and end need an offset, as in 2026-04-01T00:00:00Z")
    if not _EARLIEST <= start < end <= _LATEST:
        raise InvalidParams("start must be before end, and both between 2000 and 2200")
    return start.astimezone(clock.UTC), end.astimezone(clock.UTC)


def _looking_back(lookback: str) -> tuple[datetime, datetime]:
    now = clock.now()
    try:
        start = now - _DURATION.validate_strings(lookback)
    except (ValidationError, OverflowError):
        raise InvalidParams("lookback: give an ISO 8601 duration, as P30D") from None
    if not _EARLIEST <= start < now:
        raise InvalidParams("lookback: must be longer than nothing, and reach back to 2000 at most")
    return start, now


def _edges(start: datetime, end: datetime, granularity: Granularity) -> list[datetime]:
    if end - start > _LONGEST.get(granularity, end - start):
        days = _LONGEST[granularity].days
        raise InvalidParams(f"granularity: {granularity} covers at most {days} days; ask for a coarser one")
    edges = [_floor(start, granularity)]
    while edges[-1] < end:
        edges.append(_next(edges[-1], granularity))
        if len(edges) > MAX_BUCKETS + 1:
            raise InvalidParams(f"the window has more than {MAX_BUCKETS} buckets; ask for coarser ones")
    return edges


def _floor(at: datetime, granularity: Granularity) -> datetime:
    hour = at.replace(minute=0, second=0, microsecond=0)
    if granularity is Granularity.HOUR:
        return hour
    day = hour.replace(hour=0)
    if granularity is Granularity.WEEK:
        return day - timedelta(days=day.isoweekday() % 7)
    return day.replace(day=1) if granularity is Granularity.MONTH else day


_DURATION = TypeAdapter(timedelta)
_STEPS = {
    Granularity.HOUR: timedelta(hours=1),
    Granularity.DAY: timedelta(days=1),
    Granularity.WEEK: timedelta(weeks=1),
}


def _next(edge: datetime, granularity: Granularity) -> datetime:
    if granularity in _STEPS:
        return edge + _STEPS[granularity]
    return (edge + timedelta(days=32)).replace(day=1)
