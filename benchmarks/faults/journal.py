"""The journal: what was done to the instance, and when."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_SERVERS = ("postgres", "broker", "valkey", "rabbitmq")


@dataclass(frozen=True, slots=True)
class Kill:
    """A process that ended without notice. ``by``: the fault, or the fault point."""

    at: float
    name: str
    by: str


@dataclass(slots=True)
class Journal:
    """``spans``: begin and end of every fault that lasts; ``counts``: how often each was done."""

    kills: list[Kill] = field(default_factory=list)
    spans: list[tuple[float, float, str]] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    deaths: Counter[str] = field(default_factory=Counter)
    _read: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def died(self, name: str, _at: float) -> None:
        """A process was found dead and is started again."""
        self.deaths[name] += 1

    def kill(self, name: str, by: str, at: float | None = None) -> None:
        with self._lock:
            self.kills.append(Kill(at or time.time(), name, by))
            self.kills.sort(key=lambda kill: kill.at)

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """A fault that lasts as long as the block."""
        begin = time.time()
        try:
            yield
        finally:
            self.spans.append((begin, time.time(), name))

    def killed_all(self, since: float, until: float) -> bool:
        """Whether everything of ours died at once in this time."""
        return any(since <= kill.at <= until and kill.by.endswith("of all") for kill in self.kills)

    def away_s(self, since: float, until: float) -> float:
        """For how many seconds of this time a server was away."""
        away = sorted((b, e) for b, e, name in self.spans if name.startswith(_SERVERS))
        total, counted = 0.0, since
        for begin, end in away:
            total += max(0.0, min(end, until) - max(begin, counted))
            counted = max(counted, end)
        return total

    def near(self, at: float) -> list[str]:
        """What happened within half a minute of a moment, each with its seconds after it."""
        kills = [
            f"{kill.at - at:+.1f} {kill.name} {kill.by}" for kill in self.kills if abs(kill.at - at) < 30
        ]
        spans = [
            f"{begin - at:+.1f} to {end - at:+.1f} {name}"
            for begin, end, name in self.spans
            if begin - 30 < at < end + 30
        ]
        return [*kills, *spans]

    def read_points(self, faults: Path) -> None:
        """Add what the fault points inside the processes have done since the last look."""
        try:
            with (faults / "log").open() as log:
                log.seek(self._read)
                lines = [line for line in log.readlines() if line.endswith("\n")]
        except OSError:
            return
        self._read += sum(len(line.encode()) for line in lines)
        for line in lines:
            entry = json.loads(line)
            self.counts[f"point {entry['point']} {entry['action']}"] += 1
            if entry["action"] == "kill":
                self.kill(f"pid {entry['pid']}", entry["point"], entry["at"])
