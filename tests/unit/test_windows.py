"""Delivery windows: every row of the table in the spec, hand-computed instants where clocks change, and
random windows against a plain reading of them, minute by minute.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import takewhile
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notify.model import zones
from notify.model.window import MAX_LENGTH, parse
from notify.routing.windows import opens_at

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MINUTE = timedelta(minutes=1)


def opening(text: str, zone: str, now: str) -> str | None:
    """``now`` and the answer are UTC: ``2030-01-01T12:00``."""
    found = zones.find(zone)
    assert found
    opens = opens_at(parse(text), found, datetime.fromisoformat(now).replace(tzinfo=UTC))
    return opens.isoformat().removesuffix("+00:00").removesuffix(":00") if opens else None


# --- the table: Tuesday is 2030-01-01 ------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "now", "opens"),
    [
        ("Mo-Fr 09:00-17:00", "2030-01-01T12:00", "2030-01-01T12:00"),
        ("Mo-Fr 09:00-17:00", "2030-01-04T17:00", "2030-01-07T09:00"),
        ("Mo-Fr 09:00-17:00", "2030-01-01T08:59:59", "2030-01-01T09:00"),
        ("Mo-Fr 09:00-17:00", "2030-01-01T16:59:59", "2030-01-01T16:59:59"),
        # The start is inside, the end is not.
        ("Mo-Fr 08:00-12:00", "2030-01-07T08:00", "2030-01-07T08:00"),
        ("Mo-Fr 08:00-12:00", "2030-01-07T12:00", "2030-01-08T08:00"),
        # Evenings to mornings on the named days: the last one ends on Tuesday at nine.
        ("Fr-Mo 17:00-09:00", "2030-01-01T12:00", "2030-01-04T17:00"),
        ("Fr-Mo 17:00-09:00", "2030-01-05T12:00", "2030-01-05T17:00"),
        ("Fr-Mo 17:00-09:00", "2030-01-08T08:59", "2030-01-08T08:59"),
        ("Fr-Mo 17:00-09:00", "2030-01-08T09:00", "2030-01-11T17:00"),
        ("Su-Sa 08:00-12:00", "2030-01-01T12:00", "2030-01-02T08:00"),
        ("Mo 09:00-12:00, 14:00-18:00", "2030-01-07T12:30", "2030-01-07T14:00"),
        ("Mo-Fr 09:00-12:00,14:00-18:00", "2030-01-01T12:00", "2030-01-01T14:00"),
        # In OpenStreetMap the second rule would replace the first.
        ("Mo 09:00-12:00; Mo 14:00-18:00", "2030-01-01T12:00", "2030-01-07T09:00"),
        ("Mo 09:00-12:00; Mo 14:00-18:00", "2030-01-07T13:00", "2030-01-07T14:00"),
        ("Mo 09:00-12:00; We 14:00-18:00", "2030-01-01T12:00", "2030-01-02T14:00"),
        ("Mo 09:00-12:00, We 14:00-18:00", "2030-01-02T19:00", "2030-01-07T09:00"),
        ("Sa-Su 00:00-23:59", "2030-01-01T12:00", "2030-01-05T00:00"),
        ("Sa-Su 00:00-23:59", "2030-01-06T23:59:30", "2030-01-06T23:59:30"),
        ("Sa-Su 00:00-23:59", "2030-01-07T00:00", "2030-01-12T00:00"),
        ("Su-Mo 11:00-11:00", "2030-01-01T12:00", "2030-01-06T11:00"),
        ("Su-Mo 11:00-11:00", "2030-01-06T11:00:30", "2030-01-06T11:00:30"),
        ("Su-Mo 11:00-11:00", "2030-01-06T11:01", "2030-01-07T11:00"),
        ("Oct 31: Su-Sa 09:00-17:00", "2030-10-01T12:00", "2030-10-31T09:00"),
        ("Oct 31: Su-Sa 09:00-17:00", "2030-10-31T17:00", None),
        ("Jun-Aug: 09:00-17:00", "2030-05-20T12:00", "2030-06-01T09:00"),
        ("Jun-Aug: 09:00-17:00", "2030-08-31T17:00", None),
        # Beyond the table: what the grammar allows.
        ("Dec 24-Jan 2: 10:00-12:00", "2030-12-01T12:00", "2030-12-24T10:00"),
        ("Dec 24-26 10:00-12:00", "2030-12-26T12:00", None),
        ("Feb 29: 10:00-12:00", "2028-02-01T12:00", "2028-02-29T10:00"),
        ("Mo,We-Fr 10:00-24:00", "2030-01-01T12:00", "2030-01-02T10:00"),
        ("mo - fr  09:00 - 17:00;", "2030-01-05T12:00", "2030-01-07T09:00"),
        ("Sa", "2030-01-01T12:00", "2030-01-05T00:00"),
        # Ninety days, and not a minute more.
        ("Apr 1: 12:00-13:00", "2030-01-01T12:01", "2030-04-01T12:00"),
        ("Apr 1: 12:00-13:00", "2030-01-01T12:00", None),
    ],
)  # fmt: skip
def test_when_it_opens(text: str, now: str, opens: str | None) -> None:
    assert opening(text, "UTC", now) == opens


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("Mo 9-17", "'Mo 9-17' cannot be read"),
        ("24/7", "cannot be read"),
        ("Mo 09:00-25:00", "cannot be read"),
        ("Mo-Fr 09:00-17:00; tomorrow", "'tomorrow' cannot be read"),
        ("Mo 09:00-17:00;; Tu", "'' cannot be read"),
        (";", "cannot be read"),
        ("09:00", "cannot be read"),
        ("sunrise-sunset", "cannot be read"),
        ("week 1 Mo", "cannot be read"),
        ("2030 Jan Mo", "cannot be read"),
        ("Mo-Fr 09:00-17:00; Tu off", "Exceptions and holidays are not supported: 'Tu off'"),
        ("PH 09:00-17:00", "Exceptions and holidays are not supported"),
        ("Feb 30: 09:00-17:00", "Feb has no day 30"),
        ("Nov 29-31: 09:00-17:00", "Nov has no day 31"),
        ("Jan 0", "Jan has no day 0"),
        ("Mo," * MAX_LENGTH, "at most 500 characters"),
    ],
)
def test_what_cannot_be_read(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem.replace("'", ".").replace("(", ".")):
        parse(text)


# --- clocks that change --------------------------------------------------------------------------

NEW_YORK, BERLIN, LORD_HOWE = "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"


@pytest.mark.parametrize(
    ("zone", "text", "now", "opens"),
    [
        # New York, 2030-03-10: 02:00 EST (07:00 UTC) becomes 03:00 EDT.
        (NEW_YORK, "09:00-17:00", "2030-03-09T23:00", "2030-03-10T13:00"),
        (NEW_YORK, "02:15-02:45", "2030-03-10T06:00", "2030-03-11T06:15"),
        (NEW_YORK, "02:15-04:00", "2030-03-10T06:00", "2030-03-10T07:00"),
        (NEW_YORK, "01:30-03:00", "2030-03-10T06:59:59", "2030-03-10T06:59:59"),
        (NEW_YORK, "01:30-03:00", "2030-03-10T07:00", "2030-03-11T05:30"),
        (NEW_YORK, "Su 02:30-02:30", "2030-03-10T05:00", "2030-03-17T06:30"),
        # 2030-11-03: 02:00 EDT (06:00 UTC) becomes 01:00 EST.
        (NEW_YORK, "09:00-17:00", "2030-11-03T04:00", "2030-11-03T14:00"),
        (NEW_YORK, "01:15-01:45", "2030-11-03T04:00", "2030-11-03T05:15"),
        (NEW_YORK, "01:15-01:45", "2030-11-03T05:45", "2030-11-03T06:15"),
        (NEW_YORK, "01:15-01:45", "2030-11-03T06:45", "2030-11-04T06:15"),
        (NEW_YORK, "00:00-01:30", "2030-11-03T05:40", "2030-11-03T06:00"),
        # Berlin, 2030-03-31: 02:00 CET (01:00 UTC) becomes 03:00 CEST.
        (BERLIN, "Mo-Fr 09:00-17:00", "2030-03-29T16:00", "2030-04-01T07:00"),
        (BERLIN, "02:00-03:00", "2030-03-31T00:30", "2030-04-01T00:00"),
        (BERLIN, "02:59-03:01", "2030-03-31T00:30", "2030-03-31T01:00"),
        # 2030-10-27: 03:00 CEST (01:00 UTC) becomes 02:00 CET.
        (BERLIN, "02:30-02:30", "2030-10-27T00:00", "2030-10-27T00:30"),
        (BERLIN, "02:30-02:30", "2030-10-27T00:31", "2030-10-27T01:30"),
        (BERLIN, "02:30-02:30", "2030-10-27T01:31", "2030-10-28T01:30"),
        (BERLIN, "22:00-02:30", "2030-10-27T00:45", "2030-10-27T01:00"),
        (BERLIN, "Mo 08:00-09:00", "2030-10-26T12:00", "2030-10-28T07:00"),
        # Lord Howe, 2030-10-06: 02:00 +10:30 (15:30 UTC the day before) becomes 02:30 +11.
        (LORD_HOWE, "09:00-10:00", "2030-10-05T15:00", "2030-10-05T22:00"),
        (LORD_HOWE, "02:00-02:30", "2030-10-05T15:00", "2030-10-06T15:00"),
        (LORD_HOWE, "02:10-02:40", "2030-10-05T15:00", "2030-10-05T15:30"),
        # 2030-04-07: 02:00 +11 (15:00 UTC the day before) becomes 01:30 +10:30.
        (LORD_HOWE, "01:45-01:50", "2030-04-06T14:00", "2030-04-06T14:45"),
        (LORD_HOWE, "01:45-01:50", "2030-04-06T14:50", "2030-04-06T15:15"),
        (LORD_HOWE, "01:45-01:50", "2030-04-06T15:20", "2030-04-07T15:15"),
        (LORD_HOWE, "09:00-10:00", "2030-04-06T14:00", "2030-04-06T22:30"),
        # Zones without a change.
        ("UTC+4", "09:00-17:00", "2030-01-01T14:00", "2030-01-02T05:00"),
        ("UTC-5", "09:00-17:00", "2030-01-01T13:59", "2030-01-01T14:00"),
    ],
)
def test_when_it_opens_where_clocks_change(zone: str, text: str, now: str, opens: str) -> None:
    assert opening(text, zone, now) == opens


# --- random windows ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Rule:
    """One rule, and a plain reading of it. ``dates``: first and last (month, day); ``days`` likewise."""

    dates: tuple[tuple[int, int], tuple[int, int]] | None
    days: tuple[int, int] | None
    times: tuple[tuple[int, int], ...]

    def __str__(self) -> str:
        dates = "-".join(f"{MONTHS[m - 1]} {d}" for m, d in self.dates) + ":" if self.dates else ""
        days = "-".join(DAYS[day] for day in self.days) if self.days else ""
        times = ",".join(f"{_clock(a)}-{_clock(b)}" for a, b in self.times)
        return " ".join(part for part in (dates, days, times) if part)

    def is_open(self, wall: datetime) -> bool:
        return any(self._covers(wall, wall.date() - timedelta(days=back)) for back in (0, 1))

    def _covers(self, wall: datetime, day: date) -> bool:
        minute = (wall - datetime.combine(day, datetime.min.time())) // MINUTE
        return self._on(day) and any(a <= minute < _end(a, b) for a, b in self.times or ((0, 1440),))

    def _on(self, day: date) -> bool:
        dated = self.dates is None or _between((day.month, day.day), *self.dates)
        return dated and (self.days is None or _between(day.weekday(), *self.days))


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _end(start: int, end: int) -> int:
    if start == end:
        return start + 1
    end += end == 1439
    return end if end > start else end + 1440


def _between(value: Any, first: Any, last: Any) -> bool:
    inside: bool = first <= value <= last if first <= last else value >= first or value <= last
    return inside


MINUTES = st.one_of(st.integers(0, 1439), st.sampled_from([0, 60, 90, 105, 120, 135, 150, 180, 1380, 1439]))
DATES = st.tuples(st.integers(1, 12), st.integers(1, 28))
RULES = st.builds(
    Rule,
    st.none() | st.tuples(DATES, DATES),
    st.none() | st.tuples(st.integers(0, 6), st.integers(0, 6)),
    st.lists(st.tuples(MINUTES, MINUTES), min_size=1, max_size=2).map(tuple),
)
CHANGES = st.sampled_from(
    [
        (NEW_YORK, "2030-03-10"), (NEW_YORK, "2030-11-03"), (BERLIN, "2030-03-31"), (BERLIN, "2030-10-27"),
        (LORD_HOWE, "2030-10-06"), (LORD_HOWE, "2030-04-07"), ("Africa/Casablanca", "2030-01-06"),
        ("Pacific/Apia", "2011-12-30"), ("UTC+05:30", "2030-01-01"),
    ]
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(RULES, min_size=1, max_size=3), CHANGES, st.integers(-40 * 3600, 40 * 3600))
def test_it_opens_at_the_first_minute_inside(
    rules: list[Rule], change: tuple[str, str], seconds: int
) -> None:
    zone = zones.find(change[0])
    assert zone
    now = datetime.fromisoformat(change[1]).replace(tzinfo=UTC) + timedelta(seconds=seconds)
    opens = opens_at(parse("; ".join(map(str, rules))), zone, now)

    def is_open(at: datetime) -> bool:
        wall = at.astimezone(zone).replace(tzinfo=None)
        return any(rule.is_open(wall) for rule in rules)

    assert opens is None or is_open(opens)
    begin = now.replace(second=0)
    limit = min(opens or now + timedelta(days=9), now + timedelta(days=9))
    minutes = (max(now, begin + index * MINUTE) for index in range(9 * 1440))
    assert not any(is_open(minute) for minute in takewhile(lambda minute: minute < limit, minutes))


# --- zones ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "hours"),
    [("UTC", 0), ("UTC+4", 4), ("utc-5", -5), ("UTC+05:30", 5.5), ("europe/berlin", 1), (" Asia/Tokyo ", 9)],
)
def test_what_is_a_zone(name: str, hours: float) -> None:
    zone = zones.find(name)
    assert zone
    assert datetime(2030, 1, 1, tzinfo=zone).utcoffset() == timedelta(hours=hours)


@pytest.mark.parametrize(
    "name",
    ["", "Mars/Olympus", "UTC+15", "UTC+4:99", "../etc/passwd", "/etc/passwd", "localtime", "a\0", 5, None],
)
def test_what_is_no_zone(name: object) -> None:
    assert zones.find(name) is None
