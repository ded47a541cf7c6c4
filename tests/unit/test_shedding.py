"""What is refused under which pressure, and how it is let in again."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.manage.shedding import Pressure, Refuse, Valve, kind_of
from notify.model import wire
from notify.model.names import World
from tests import factories

CALM_S = 5.0


@pytest.mark.parametrize(
    ("pressure", "refuses"),
    [
        (0, Refuse.NOTHING),
        (0.99, Refuse.NOTHING),
        (1, Refuse.MANY),
        (2, Refuse.TEST),
        (3.9, Refuse.TEST),
        (4, Refuse.ALL),
        (1000, Refuse.ALL),
    ],
)
def test_refusals_begin_at_once(pressure: float, refuses: Refuse) -> None:
    valve = Valve(CALM_S)
    assert valve.see(pressure, 0.0) is (refuses is not Refuse.NOTHING)
    assert valve.refuses is refuses


def test_refusals_end_a_step_at_a_time() -> None:
    valve = Valve(CALM_S)
    valve.see(10, 0.0)
    times = [quarter / 4 for quarter in range(1, 80)]
    seen = [(now, valve.refuses) for now in times if valve.see(0, now)]
    assert seen == [(5.0, Refuse.TEST), (10.0, Refuse.MANY), (15.0, Refuse.NOTHING)]


def test_what_is_nearly_as_bad_is_no_calm() -> None:
    valve = Valve(CALM_S)
    valve.see(1.0, 0.0)
    for second in range(1, 60):
        assert not valve.see(0.7, second)
    assert valve.refuses is Refuse.MANY
    for second in range(60, 64):
        assert not valve.see(0.69, second)
    assert valve.see(0.69, 64)


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0.01, 10)), max_size=60))
def test_it_never_lets_in_more_than_a_step_at_once_and_always_ends(told: list[tuple[float, float]]) -> None:
    valve, now, seen = Valve(CALM_S), 0.0, [Refuse.NOTHING]
    for pressure, later in told:
        now += later
        valve.see(pressure, now)
        seen.append(valve.refuses)
        assert valve.refuses is Refuse.ALL or pressure < 4
    assert all(after >= before - 1 for before, after in pairwise(seen))
    for _ in Refuse:
        now += CALM_S
        valve.see(0, now)
    assert valve.refuses is Refuse.NOTHING


def test_late_queues_alone_refuse_no_single_send() -> None:
    assert Pressure(queues=1000).worst == ("queues", 1.0)
    assert Pressure(queues=1000, database=2).worst == ("database", 2)
    assert Pressure(queues=3, backlog=4, database=2, waiting=1).worst == ("backlog", 4)


@pytest.mark.parametrize(
    ("to", "kind"),
    [
        ({"user_id": "ada"}, Refuse.ALL),
        ([{"user_id": "ada"}, {"email": "bob@example.com"}], Refuse.ALL),
        ([{"user_id": f"user-{n}"} for n in range(51)], Refuse.MANY),
        ({"list_id": "everybody"}, Refuse.MANY),
        ([{"user_id": "ada"}, {"audience_id": "grown-ups"}], Refuse.MANY),
        ({"tenant_id": "acme"}, Refuse.MANY),
    ],
)
def test_kinds_of_sends(to: object, kind: Refuse) -> None:
    message = wire.SendMessage.model_validate(factories.message(to=to))
    assert kind_of(World.PRODUCTION, message, 50) is kind
    assert kind_of(World.TEST, message, 50) is (kind if kind is Refuse.MANY else Refuse.TEST)
