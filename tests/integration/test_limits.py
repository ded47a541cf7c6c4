"""Rate limits: turns that all workers share, in a real Valkey."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from notify.model.names import Lane
from notify.transport import Limits, Shared
from notify.transport.limits import Turn
from tests.stack import Servers

NOW = datetime(2030, 1, 1, tzinfo=UTC)
FIRST, AGAIN = False, True


@pytest.fixture(scope="module")
def shared(servers: Servers) -> Iterator[Shared]:
    opened = Shared(servers.broker_url)
    yield opened
    opened.close()


class Line:
    """The line of one provider. ``at``: seconds since the beginning."""

    def __init__(self, shared: Shared, interval_s: float, ahead_s: float = 1, near_s: float = 10) -> None:
        self.limits = Limits(shared, ahead_s=ahead_s, near_s=near_s)
        self.provider, self.interval_s = uuid4(), interval_s

    def ask(self, at: float, *waited: bool, lane: Lane = Lane.SINGLE) -> list[tuple[str, float | None]]:
        """What each call is told, and for when, in seconds since the beginning."""
        now = NOW + timedelta(seconds=at)
        return [_told(turn) for turn in self.limits.ask(self.provider, self.interval_s, lane, waited, now)]


def _told(turn: Turn) -> tuple[str, float | None]:
    if turn.at is None:
        return "outside", None
    return "go" if turn.go else "again", round((turn.at - NOW).total_seconds(), 3)


def test_calls_go_one_interval_apart(shared: Shared) -> None:
    line = Line(shared, 0.5)
    assert line.ask(0, *[FIRST] * 3) == [("go", 0), ("go", 0.5), ("go", 1)]
    assert line.ask(0.2, FIRST) == [("again", 1.5)]
    assert line.ask(1.5, AGAIN) == [("go", 1.5)]


def test_an_idle_line_saves_nothing_up(shared: Shared) -> None:
    line = Line(shared, 1, ahead_s=0)
    assert line.ask(0, FIRST) == [("go", 0)]
    assert line.ask(100, FIRST, FIRST) == [("go", 100), ("again", 101)]


def test_a_long_line_is_kept_outside(shared: Shared) -> None:
    line = Line(shared, 4)
    told = line.ask(0, *[FIRST] * 5)
    assert told == [("go", 0), ("again", 4), ("again", 8), ("outside", None), ("outside", None)]


def test_nobody_overtakes_those_outside_but_singles_overtake_bulk(shared: Shared) -> None:
    line = Line(shared, 4)
    assert line.ask(0, *[FIRST] * 4, lane=Lane.BULK)[3] == ("outside", None)
    assert line.ask(9, FIRST, lane=Lane.BULK) == [("outside", None)]
    assert line.ask(9, FIRST, lane=Lane.SINGLE) == [("go", 9)]
    assert line.ask(9, FIRST, lane=Lane.SINGLE) == [("again", 13)]
    assert line.ask(12, AGAIN, lane=Lane.BULK) == [("again", 17)]
    assert line.ask(13, AGAIN, lane=Lane.SINGLE) == [("go", 13)]
    assert line.ask(17, AGAIN, lane=Lane.BULK) == [("go", 17)]


def test_newcomers_stay_behind_those_told_to_ask_again(shared: Shared) -> None:
    line = Line(shared, 1, ahead_s=0)
    assert line.ask(0, FIRST, FIRST, FIRST) == [("go", 0), ("again", 1), ("again", 2)]
    assert line.ask(1, FIRST, AGAIN) == [("again", 3), ("go", 1)]


def test_a_changed_limit_is_a_new_line(shared: Shared) -> None:
    line = Line(shared, 3600)
    assert line.ask(0, FIRST, FIRST) == [("go", 0), ("outside", None)]
    line.interval_s = 0.1
    assert line.ask(5, AGAIN) == [("go", 5)]


@pytest.mark.parametrize("interval_s", [0.001, 12 * 3600])
def test_the_extremes_of_the_interval(shared: Shared, interval_s: float) -> None:
    line = Line(shared, interval_s, ahead_s=0.001)
    first, second = line.ask(0, FIRST, FIRST)
    assert first == ("go", 0)
    assert second == (("go", 0.001) if interval_s < 1 else ("outside", None))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    interval_ms=st.integers(1, 3000),
    asks=st.lists(
        st.tuples(
            st.integers(0, 4000), st.lists(st.booleans(), min_size=1, max_size=8), st.sampled_from(Lane)
        ),
        max_size=20,
    ),
)
def test_turns_never_come_closer_than_the_interval(
    shared: Shared, interval_ms: int, asks: list[tuple[int, list[bool], Lane]]
) -> None:
    line, at_ms, turns = Line(shared, interval_ms / 1000), 0, [-interval_ms]
    for later_ms, waited, lane in asks:
        at_ms += later_ms
        told = line.ask(at_ms / 1000, *waited, lane=lane)
        assert len(told) == len(waited)
        given_now = [round(when * 1000) for what, when in told if what == "go" and when is not None]
        assert all(at_ms <= turn <= at_ms + 1000 for turn in given_now)
        turns += given_now
    assert all(late - early >= interval_ms for early, late in pairwise(turns))


def test_nobody_is_held_up_while_it_is_away() -> None:
    line = Line(Shared("redis://127.0.0.1:1/0"), 3600)
    assert line.ask(0, *[FIRST] * 3) == [("go", 0)] * 3


def test_without_redis_there_is_no_line() -> None:
    assert Line(Shared(None), 3600).ask(0, FIRST, FIRST) == [("go", 0)] * 2
