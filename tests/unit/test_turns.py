"""Single sends first, and every fifth time whoever has gone longest without."""

from pathlib import Path

from kombu.utils.scheduling import cycle_by_name

from workers.turns import Turns

CONFIGURATION = Path(__file__).parents[2] / "celeryconfig.py"

QUEUES = ["maintenance", "route", "render", "expand", "route.bulk", "render.bulk"]


def _taken(waiting: dict[str, int], count: int) -> list[str]:
    """What a worker takes, one after the other, from queues with so many tasks."""
    turns, left, taken = Turns(), dict(waiting), []
    turns.update(QUEUES)
    for _ in range(count):
        queue = next(one for one in turns.consume(len(QUEUES)) if left.get(one))
        left[queue] -= 1
        turns.rotate(queue)
        taken.append(queue)
    return taken


def test_the_workers_use_it() -> None:
    name = CONFIGURATION.read_text().partition('"queue_order_strategy": "')[2].partition('"')[0]
    assert cycle_by_name(name) is Turns  # type: ignore[no-untyped-call]


def test_single_sends_go_first_in_the_order_named() -> None:
    taken = _taken({"render.bulk": 9, "render": 2, "route": 1}, 5)
    assert taken == ["route", "render", "render", "render.bulk", "render.bulk"]


def test_bulk_is_not_starved_and_its_stages_take_turns() -> None:
    taken = _taken({"route": 100, "route.bulk": 100, "render.bulk": 100}, 20)
    assert taken == [*["route"] * 4, "route.bulk", *["route"] * 4, "render.bulk"] * 2


def test_what_begins_is_not_starved_by_what_is_far_along() -> None:
    """Single sends that keep render busy do not keep those to several people from being expanded."""
    taken = _taken({"render": 100, "expand": 100, "render.bulk": 100}, 15)
    assert taken == [*["render"] * 4, "expand", *["render"] * 4, "render.bulk", *["render"] * 4, "expand"]


def test_maintenance_waits_for_one_task_at_most() -> None:
    taken = _taken({"maintenance": 1, "route": 9, "route.bulk": 9}, 3)
    assert taken[0] == "maintenance"
