"""What an instance holds at most while something goes on: memory per process, tasks in the broker."""

import threading
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType

import psutil
import redis

from benchmarks.footprint import pss_mb
from notify import queue
from notify.local.separate import Ready

_EVERY_S = 0.5
_UNDER_WAY = "unacked"
"""Where Redis keeps the tasks that workers have taken, see kombu."""


@dataclass(slots=True)
class Peaks:
    """``memory_mb``: PSS of each process and its children; ``queues``: the tasks, at their most, by queue."""

    queues: dict[str, int] = field(default_factory=dict)
    memory_mb: dict[str, float] = field(default_factory=dict)

    @property
    def tasks(self) -> int:
        return sum(self.queues.values())


class Watch:
    """Looks while the block runs; ``processes``: at their memory, too."""

    def __init__(self, up: Ready, *, processes: bool) -> None:
        self.peaks = Peaks()
        self._pids = up.pids if processes else {}
        self._broker = redis.Redis.from_url(up.broker_url, socket_timeout=5)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(_EVERY_S):
            with suppress(redis.RedisError):
                found = self._tasks()
                if sum(found.values()) > self.peaks.tasks:
                    self.peaks.queues = found
            for name, pid in self._pids.items():
                with suppress(psutil.NoSuchProcess, OSError):
                    self._see(name, pid)

    def _tasks(self) -> dict[str, int]:
        names = [*queue.names(), _UNDER_WAY]
        with self._broker.pipeline(transaction=False) as pipe:
            for name in queue.names():
                pipe.llen(name)
            pipe.hlen(_UNDER_WAY)
            return {name: tasks for name, tasks in zip(names, pipe.execute(), strict=True) if tasks}

    def _see(self, name: str, pid: int) -> None:
        family = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
        held = sum(map(pss_mb, family))
        self.peaks.memory_mb[name] = max(self.peaks.memory_mb.get(name, 0.0), held)
