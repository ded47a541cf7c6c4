"""A death and a failed commit at every step of a message's way, each hit once through its fault point."""

import pytest

from benchmarks.faults.driver import Driver
from benchmarks.faults.marks import Kind
from tests.faults.conftest import QUIET_S, Trial

TRANSACTIONS = (
    "accept.run",
    "expand.run",
    "expand.expand",
    "render.run",
    "render.record",
    "route.run",
    "route.record",
    "deliver.take",
    "guarantee.mark",
    "outcomes.record",
    "dispatch.run",
    "reconcile.run",
)
"""The functions that open them, each with a point before its commit and one after."""
BETWEEN = ("deliver.called", "publish.before", "publish.after")
COMMITS = tuple(f"{name}.{side}" for name in TRANSACTIONS for side in ("before", "after"))


@pytest.mark.parametrize(
    ("action", "points"),
    [
        ("kill", COMMITS[: len(COMMITS) // 2]),
        ("kill", (*COMMITS[len(COMMITS) // 2 :], *BETWEEN)),
        ("fail", COMMITS),
    ],
    ids=["killed early", "killed late", "commits fail"],
)
def test_at_every_step(trial: Trial, action: str, points: tuple[str, ...]) -> None:
    world = trial.world
    before = world.journal.counts.copy()
    world.instance.steer("points", ",".join(f"{point}:{action}:once" for point in points))

    def hit() -> set[str]:
        done = world.journal.counts - before
        return {name.split()[1] for name in done if name.startswith("point ")}

    # Route sees those only whose delay is not over when they are rendered: the more die, the fewer they are.
    sent = 0
    while sent < 1000 and hit() != set(points):
        world.driver.send(200, per_s=30)
        sent += 200
        world.quiet(QUIET_S)
    trial.settled(sent)
    assert hit() == set(points)


@pytest.mark.parametrize(
    ("kind", "duplicates", "held"),
    [(Kind.PLAIN, 1, 0), (Kind.ONCE, 0, 1)],
    ids=["at least once", "at most once"],
)
def test_the_one_window(trial: Trial, kind: Kind, duplicates: int, held: int) -> None:
    """Killed between the provider's acceptance and our record of it."""
    world = trial.world
    driver = Driver(world.instance.loop, world.instance.api_urls, world.instance.api_key, seed=2, only=kind)
    world.driver, kept = driver, world.driver
    driver.start_at(kept.next_number)
    try:
        world.instance.steer("points", "deliver.called:kill:once")
        driver.send(1)
        ledger = trial.settled(1)
    finally:
        world.driver = kept
        kept.start_at(driver.next_number)
    assert (ledger.duplicated, ledger.held) == (duplicates, held)
    assert ledger.same_key == duplicates
