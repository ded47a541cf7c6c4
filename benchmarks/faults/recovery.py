"""How soon what a dead process held is under way again: the leases, watched from outside.

A row that nobody renews any more belonged to a process that is dead or frozen. It is under way again when its
attempt grows, or when it is gone.
"""

import threading
import time
from array import array
from collections import defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg

from benchmarks.faults.instance import Instance
from benchmarks.faults.journal import Journal

_EVERY_S = 0.25
_HELD = """
    SELECT id, attempt, extract(epoch FROM lease_until)::float8, extract(epoch FROM clock_timestamp())::float8
    FROM work WHERE lease_until > '-infinity'
"""


@dataclass(slots=True)
class _Row:
    attempt: int
    lease_until: float
    renewed_at: float


class Recovery(threading.Thread):
    """``found``: kill and next claim of each piece of work, epoch s; ``stalls``: s, without a kill."""

    def __init__(self, instance: Instance, journal: Journal, lease_s: float) -> None:
        super().__init__(name="recovery", daemon=True)
        self.found: list[tuple[float, float]] = []
        self.stalls: array[float] = array("f")
        self._instance = instance
        self._journal = journal
        self._lease_s = lease_s
        self._held: dict[Any, _Row] = {}
        self._closing = threading.Event()

    def run(self) -> None:
        while not self._closing.is_set():
            with suppress(psycopg.Error, OSError), self._instance.connect() as connection:
                while not self._closing.wait(_EVERY_S):
                    self._journal.read_points(self._instance.faults)
                    self._compare(connection.execute(_HELD).fetchall())
            self._closing.wait(_EVERY_S)

    def _compare(self, rows: list[tuple[Any, ...]]) -> None:
        now = time.time()
        current = {row[0]: _Row(row[1], row[2], row[2] - self._lease_s) for row in rows}
        for id_, row in self._held.items():
            after = current.get(id_)
            if after is None or after.attempt != row.attempt:
                self._moved(row, now)
        self._held = current

    def _moved(self, row: _Row, now: float) -> None:
        # A living process renews three times per lease.
        if now - row.renewed_at < self._lease_s / 2 + 2 * _EVERY_S:
            return
        kill = next((k for k in self._journal.kills if row.renewed_at - 0.5 <= k.at <= now), None)
        if kill is None:
            self.stalls.append(now - row.renewed_at)
        else:
            self.found.append((kill.at, now))

    def added(self, *, served: bool = False, some: bool = False) -> list[float]:
        """Their seconds, sorted.

        Args:
            served: without those in which the database or the broker was away.
            some: only where some processes died, not all at once: a machine has to start all of them again.
        """
        return sorted(
            self._seconds(killed, claimed, served=served)
            for killed, claimed in self.found
            if not (some and self._journal.killed_all(killed, claimed))
        )

    def slowest(self, kills: int) -> list[str]:
        """What happened around the kills that cost most time though the servers were there."""
        cost: dict[float, float] = defaultdict(float)
        for killed, claimed in self.found:
            cost[killed] = max(cost[killed], self._seconds(killed, claimed, served=True))
        slow = sorted(cost, key=lambda at: -cost[at])[:kills]
        return [f"{cost[at]:.1f} s: {'; '.join(self._journal.near(at))}" for at in slow]

    def _seconds(self, killed: float, claimed: float, *, served: bool) -> float:
        return claimed - killed - (self._journal.away_s(killed, claimed) if served else 0)

    def close(self) -> None:
        self._closing.set()
        self.join(10)
