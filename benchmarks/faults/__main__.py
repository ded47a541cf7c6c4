"""``python -m benchmarks.faults --minutes 60 --messages 300000 --seed 1``: a long run, and its ledger.

One thread kills, another has bad spells come and go, while messages of all kinds are sent; Ctrl-C ends it
early, and the ledger is settled all the same. Exit code 1: a promise was broken.
"""

import argparse
import random
import signal
import sys
import threading
import time
from pathlib import Path

from benchmarks.faults.acts import KILLS, SPELLS
from benchmarks.faults.broker import BROKERS
from benchmarks.faults.options import Options
from benchmarks.faults.ours import Length
from benchmarks.faults.report import show, summary
from benchmarks.faults.world import World, world

_PROGRESS_S = 10
_QUIET_S = 600


class Run:
    """One long run. ``kill_s``: mean seconds between kills, ``rest_s``: between bad spells."""

    def __init__(self, world: World, given: argparse.Namespace) -> None:
        self._world = world
        self._given = given
        self._end = threading.Event()
        self._begin = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._begin

    def run(self) -> None:
        """Send and break things until the time is up, or somebody has had enough."""
        signal.signal(signal.SIGINT, lambda *_: self._end.set())
        signal.signal(signal.SIGTERM, lambda *_: self._end.set())
        given, driver = self._given, self._world.driver
        # A tenth of the time is for what bad spells have held up.
        sending = driver.begin(given.messages, given.messages / (given.minutes * 60 * 0.9))
        breaking = [
            threading.Thread(target=self._kill, name="kills", daemon=True),
            threading.Thread(target=self._spells, name="spells", daemon=True),
        ]
        for thread in breaking:
            thread.start()
        while not self._end.wait(_PROGRESS_S) and not sending.done():
            self._say()
        driver.stop()
        self._end.set()
        for thread in breaking:
            thread.join(120)
        sending.result()
        self._end.clear()
        self._world.quiet(_QUIET_S, self._say_slowly, self._end)

    def _kill(self) -> None:
        chance = random.Random(f"kills {self._given.seed}")
        names = list(KILLS)
        shares = [share for share, _ in KILLS.values()]
        while not self._end.wait(chance.uniform(0.3, 1.7) * self._given.kill_s):
            (name,) = chance.choices(names, shares)
            self._do(name, KILLS[name][1], chance)

    def _spells(self) -> None:
        chance = random.Random(f"spells {self._given.seed}")
        order: list[str] = []
        while not self._end.wait(chance.uniform(0.3, 1.7) * self._given.rest_s):
            order = order or chance.sample(sorted(self._chosen()), len(self._chosen()))
            name = order.pop()
            self._do(name, SPELLS[name], chance)

    def _chosen(self) -> list[str]:
        return [
            name for name in SPELLS if not self._given.only or any(part in name for part in self._given.only)
        ]

    def _do(self, name: str, act: object, chance: random.Random) -> None:
        self._world.journal.counts[name] += 1
        try:
            act(self._world, chance, self._given.length)  # type: ignore[operator]
        except Exception as error:  # noqa: BLE001  # a fault that could not be done is no reason to stop
            self._world.journal.counts[f"{name}: not done"] += 1
            print(f"{name}: {type(error).__name__}: {error}", flush=True)

    def _say(self) -> None:
        world = self._world
        memory = sum(process.memory() for process in world.instance.processes.like("")) >> 20
        figures = {
            "sent": world.driver.fates.messages,
            "taken by providers": len(world.records.accepted),
            "twice": len(world.records.duplicates()),
            "left": world.unfinished(),
            "kills": len(world.journal.kills),
            "MB": memory,
        }
        told = "  ".join(f"{name} {figure}" for name, figure in figures.items())
        print(f"{self.seconds:6.0f} s  {told}", flush=True)

    _said_at = 0.0

    def _say_slowly(self) -> None:
        if time.monotonic() > self._said_at + _PROGRESS_S:
            self._said_at = time.monotonic()
            self._say()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5, help="how long messages are sent")
    parser.add_argument("--messages", type=int, default=10_000, help="how many")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same plan")
    parser.add_argument("--workers", type=int, default=2, help="processes of each kind of worker")
    parser.add_argument("--kill-s", type=float, default=9.0, help="mean seconds between kills")
    parser.add_argument("--rest-s", type=float, default=8.0, help="mean seconds between bad spells")
    parser.add_argument("--only", nargs="*", help="bad spells whose names hold one of these words")
    parser.add_argument("--source", type=Path, default=Options().source, help="the tree whose code is run")
    parser.add_argument("--broker", choices=sorted(BROKERS), default="valkey")
    parser.add_argument("--directory", type=Path, help="where its data and logs go, and stay")
    given = parser.parse_args()
    given.length = Length()
    options = Options(workers=given.workers, source=given.source, fsync=True, broker=given.broker)
    if given.directory:
        given.directory.mkdir(parents=True, exist_ok=True)
    with world(options, seed=given.seed, directory=given.directory) as made:
        run = Run(made, given)
        run.run()
        ledger = made.settle()
        show(summary(made, ledger, seed=given.seed, seconds=run.seconds))
    sys.exit(bool(ledger.broken))


if __name__ == "__main__":
    main()
