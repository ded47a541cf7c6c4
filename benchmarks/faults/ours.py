"""Faults of our own processes: killed, frozen, restarted in turn; and what every fault is."""

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.faults.world import World


@dataclass(frozen=True, slots=True)
class Length:
    """How long faults last, in seconds; ``spell``: a bad spell of any kind but frozen."""

    freeze: float = 30.0
    database_freeze: float = 20.0
    spell: float = 10.0


Act = Callable[[World, random.Random, Length], None]


@contextmanager
def frozen(world: World, name: str) -> Iterator[None]:
    """A process and its children do nothing inside the block."""
    process = world.instance.processes[name]
    with world.journal.span(f"{name} frozen"), process.lock:
        process.freeze()
        try:
            yield
        finally:
            process.send(signal.SIGCONT)


def kill_one(*prefixes: str, by: str = "kill -9") -> Act:
    """One process of these kinds, with its children."""

    def act(world: World, chance: random.Random, _: Length) -> None:
        world.kill(chance.choice(world.instance.names(*prefixes)), by=by)

    return act


def kill_pool(world: World, chance: random.Random, _: Length) -> None:
    """The pool's process only: the worker makes a new one."""
    name = chance.choice(world.instance.names("worker"))
    if children := world.instance.processes[name].family()[1:]:
        world.kill(name, children, by="kill -9 of the pool")


def kill_parent(world: World, chance: random.Random, _: Length) -> None:
    """The worker, but not its pool."""
    name = chance.choice(world.instance.names("worker"))
    world.kill(name, world.instance.processes[name].family()[:1], by="kill -9 of the parent")


def kill_everything_of_ours(world: World, _: random.Random, __: Length) -> None:
    for name in world.instance.names("api", "worker", "beat"):
        world.kill(name, by="kill -9 of all")


def freeze_worker(world: World, chance: random.Random, length: Length) -> None:
    name = chance.choice(world.instance.names("worker"))
    with frozen(world, name):
        time.sleep(length.freeze)


def rolling_restart(world: World, _: random.Random, __: Length) -> None:
    """SIGTERM and a new start, one process after the other, as a deployment does."""
    with world.journal.span("rolling restart"):
        for name in world.instance.names("api", "worker", "beat"):
            process = world.instance.processes[name]
            process.stop()
            process.start()
            if name.startswith("api"):
                world.instance.until(world.instance.serving, f"{name} serves again")
