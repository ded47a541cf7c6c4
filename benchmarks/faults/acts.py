"""The catalogue of faults: each is done to a world, lasts as long as its call, and is written down."""

import random
import time
from collections.abc import Callable

from benchmarks.faults import ours, servers
from benchmarks.faults.options import WORKERS
from benchmarks.faults.ours import Act, Length
from benchmarks.faults.provider import SITES, Behaviour
from benchmarks.faults.tasks import Replay, republish
from benchmarks.faults.world import World

HOUR_S = 3600


def points(rules: str) -> Act:
    """Fault points inside the processes, by ``notify/faults.py``."""

    def act(world: World, _: random.Random, length: Length) -> None:
        with world.journal.span(f"points {rules}"):
            world.instance.steer("points", rules)
            time.sleep(length.spell)
            world.instance.steer("points", None)

    return act


def provider(behaviour: Behaviour, length_of: Callable[[Length], float] = lambda length: length.spell) -> Act:
    """One site or all of them behave badly."""

    def act(world: World, chance: random.Random, length: Length) -> None:
        sites = chance.choice([*[(site,) for site in SITES], SITES])
        with world.journal.span(f"provider {behaviour}"):
            world.instance.outside.behave(behaviour, *sites)
            time.sleep(length_of(length))
            world.instance.outside.behave(Behaviour.OK, *sites)

    return act


# --- tasks, and time


def tasks_again(replay: Replay) -> Act:
    """Tasks of all stages are delivered twice, late and out of order."""
    return lambda world, chance, _: republish(world, chance, replay)


def clock_jumps(seconds: float) -> Act:
    def act(world: World, _: random.Random, length: Length) -> None:
        with world.journal.span(f"clock {seconds:+.0f} s"):
            world.instance.steer("clock", str(seconds))
            time.sleep(length.spell)
            world.instance.steer("clock", None)

    return act


KILLS: dict[str, tuple[int, Act]] = {
    "kill -9 a worker": (8, ours.kill_one(*WORKERS)),
    "kill -9 a worker's pool": (6, ours.kill_pool),
    "kill -9 a worker's parent": (4, ours.kill_parent),
    "kill -9 an API process": (3, ours.kill_one("api")),
    "kill -9 beat": (1, ours.kill_one("beat")),
    "kill -9 of all of ours": (1, ours.kill_everything_of_ours),
    "kill -9 the broker": (1, servers.broker_restarts),
    "kill -9 PostgreSQL": (1, servers.database_restarts),
}
"""What dies at once, with its share."""

SPELLS: dict[str, Act] = {
    "broker comes back empty": servers.broker_forgets,
    "broker frozen": servers.broker_frozen,
    "broker full": servers.broker_full,
    "broker connections reset": servers.broker_resets,
    "broker silent": servers.broker_silent,
    "PostgreSQL frozen": servers.database_frozen,
    "PostgreSQL connections reset": servers.database_resets,
    "PostgreSQL out of connections": servers.database_full_up,
    "a worker frozen": ours.freeze_worker,
    "killed after the provider's answer": points("deliver.called:kill:0.02"),
    "killed around commits": points("*.before:kill:0.003,*.after:kill:0.003"),
    "killed around publishing": points("publish.*:kill:0.005"),
    "commits fail": points("*.before:fail:0.1"),
    "answers to commits lost": points("*.after:fail:0.1"),
    "publishing fails": points("publish.*:fail:0.3"),
    "provider down": provider(Behaviour.DOWN),
    "provider slow": provider(Behaviour.SLOW),
    "provider flapping": provider(Behaviour.FLAPPING),
    "provider answers garbage": provider(Behaviour.GARBAGE),
    "provider accepts and resets": provider(Behaviour.RESETTING, lambda _: 3.0),
    "provider accepts and is mute": provider(Behaviour.MUTE, lambda _: 2.0),
    "tasks twice, late, out of order": tasks_again(Replay.STAGES),
    "many reconcilers and dispatchers": tasks_again(Replay.MAINTENANCE),
    "clock an hour ahead": clock_jumps(HOUR_S),
    "clock an hour behind": clock_jumps(-HOUR_S),
    "rolling restart": ours.rolling_restart,
}
"""What lasts a while."""
