"""Everything one run consists of: the instance, its clients, its providers, the journal, the ledger."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import psycopg

from benchmarks.faults import ledger
from benchmarks.faults.driver import Driver
from benchmarks.faults.instance import Instance, running
from benchmarks.faults.journal import Journal
from benchmarks.faults.ledger import Ledger
from benchmarks.faults.options import Options
from benchmarks.faults.provider import Records
from benchmarks.faults.recovery import Recovery
from notify.local.process import wait_until
from notify.settings import Settings

_DEFAULT_LEASE_S = Settings.model_fields["lease_s"].default


@dataclass(slots=True)
class World:
    instance: Instance
    driver: Driver
    journal: Journal
    recovery: Recovery

    @property
    def records(self) -> Records:
        return self.instance.outside.records

    def unfinished(self) -> int:
        """Pieces of work that are left; -1 while the database cannot be asked."""
        try:
            with self.instance.connect() as connection:
                row = connection.execute("SELECT count(*) FROM work").fetchone()
        except psycopg.Error:
            return -1
        return int(str(row[0])) if row else -1

    def quiet(
        self, deadline_s: float, look: Callable[[], None] = lambda: None, enough: Event | None = None
    ) -> bool:
        """Wait until nothing is left to do; False when that took too long, or ``enough`` was set."""

        def done() -> bool:
            look()
            return self.unfinished() == 0

        wait_until(lambda: done() or bool(enough and enough.is_set()), deadline_s, every_s=0.5)
        return self.unfinished() == 0

    def settle(self) -> Ledger:
        self.journal.read_points(self.instance.faults)
        with self.instance.connect() as connection:
            return ledger.settle(connection, self.driver.fates, self.records, self.journal)

    def kill(self, name: str, pids: list[int] | None = None, by: str = "kill") -> None:
        """kill -9 a process by its name, children included unless ``pids`` says which."""
        self.journal.kill(name, by)
        self.instance.processes[name].kill(pids)

    def latencies(self) -> list[float]:
        """Seconds from the 202 to the provider's acceptance of every plain single message, sorted."""
        fates, accepted = self.driver.fates, self.records.accepted
        found = [
            accepted[number * 1000][0].at - sent.at
            for number, sent in fates.sent.items()
            if sent.plain and number * 1000 in accepted
        ]
        return sorted(found)


@contextmanager
def world(
    options: Options,
    *,
    seed: int = 1,
    slow_s: float = 30,
    longest_s: float = 40,
    directory: Path | None = None,
) -> Iterator[World]:
    """A running world. ``directory``: where its data goes; default: a temporary place.

    ``slow_s``: what a slow provider takes; ``longest_s``: the longest delay of a message.
    """
    journal = Journal()
    with tempfile.TemporaryDirectory(prefix="notify-faults-", ignore_cleanup_errors=True) as made:
        home = directory or Path(made)
        # PostgreSQL is another user when root runs it.
        home.chmod(0o711)
        with running(home, options, journal.died, slow_s) as instance:
            driver = Driver(instance.loop, instance.api_urls, instance.api_key, seed, longest_s=longest_s)
            lease_s = float(options.settings.get("NOTIFY_LEASE_S", _DEFAULT_LEASE_S))
            recovery = Recovery(instance, journal, lease_s)
            recovery.start()
            try:
                yield World(instance, driver, journal, recovery)
            finally:
                recovery.close()
