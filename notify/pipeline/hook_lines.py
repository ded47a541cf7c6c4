"""One line per destination, so that none waits for another: a slow one keeps its own line busy, no more.

A pass of the stage starts lines and waits for them only as long as quick destinations take. A line that takes
longer goes on by itself, holding its claims, and publishes what follows; what comes for the same destination
meanwhile waits its turn.
"""

import os
import threading
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import timedelta
from functools import lru_cache
from uuid import UUID

from notify import clock, log, queue, settings
from notify.errors import Unavailable
from notify.model.work import Wait
from notify.pipeline import hook_outcomes
from notify.pipeline.claims import kept
from notify.pipeline.hook_outcomes import HookJob
from notify.pipeline.hook_sending import send
from notify.store import db, work

_log = log.get(__name__)
_LINES = 16
_PATIENCE_S = 0.5
_TURN = timedelta(seconds=10)
"""How long what waits its turn lies, should the process that is to call it up die."""


class Lines:
    """The lines of one process."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_LINES, thread_name_prefix="hooks")
        self._busy: dict[UUID, Future[None]] = {}
        self._crowded: set[UUID] = set()
        self._lock = threading.Lock()

    def send(self, jobs: Iterable[HookJob]) -> None:
        """Send these, or give back those whose destination's line is busy; returns soon in any case."""
        groups: dict[UUID, list[HookJob]] = defaultdict(list)
        for job in jobs:
            groups[job.destination.id].append(job)
        started = {id_: self._start(id_, group) for id_, group in groups.items()}
        _give_back([job for id_, group in groups.items() if not started[id_] for job in group])
        wait([future for future in started.values() if future], timeout=_PATIENCE_S)

    def _start(self, id_: UUID, jobs: Sequence[HookJob]) -> Future[None] | None:
        with self._lock:
            if id_ in self._busy or len(self._busy) >= _LINES:
                self._crowded.add(id_)
                return None
            future = self._busy[id_] = self._pool.submit(self._work_off, id_, jobs)
            return future

    def _work_off(self, id_: UUID, jobs: Sequence[HookJob]) -> None:
        begun = time.monotonic()
        try:
            with kept([job.claim for job in jobs]):
                _give_back(_sent(jobs))
        except Unavailable:
            # The lease ends, and what was not recorded is sent again.
            _log.warning("hooks.record_failed", destination_id=str(id_))
        except Exception:  # noqa: BLE001  # a thread of our own has nobody else to tell
            _log.exception("hooks.line_failed", destination_id=str(id_))
        finally:
            self._leave(id_, slow=time.monotonic() - begun > _PATIENCE_S)

    def _leave(self, id_: UUID, *, slow: bool) -> None:
        with self._lock:
            del self._busy[id_]
            crowded = id_ in self._crowded
            self._crowded.discard(id_)
        if crowded or slow:
            _call_up(id_, settings.load().webhook_concurrency if slow else settings.load().batch_size)

    def settle(self, timeout_s: float | None = None) -> None:
        """Wait until the lines that are at work have done it."""
        wait(tuple(self._busy.values()), timeout=timeout_s)


def _sent(jobs: Sequence[HookJob]) -> Sequence[HookJob]:
    """Send, a few at a time; what is left when the destination proves to be slow."""
    size = settings.load().webhook_concurrency
    while jobs:
        few, jobs = jobs[:size], jobs[size:]
        begun = time.monotonic()
        for results in send(few):
            queue.publish(hook_outcomes.record(few[0].destination, results))
        if time.monotonic() - begun > _PATIENCE_S:
            break
    return jobs


def _give_back(jobs: Sequence[HookJob]) -> None:
    """These wait until their destination's line is free."""
    if not jobs:
        return
    with db.begin(durable=False) as tx:
        now = clock.now()
        held = work.fence(tx, [job.claim for job in jobs])
        later = [(job, now + _TURN) for job in jobs if job.claim.id in held]
        wakes = hook_outcomes.put_off(tx, later, now, Wait.TURN)
    queue.publish(wakes)


def _call_up(id_: UUID, size: int) -> None:
    """The line is free: the next ``size`` need not wait any longer."""
    try:
        with db.begin(durable=False) as tx:
            wakes = work.hasten(tx, Wait.TURN, {id_: size}, after=clock.now())
    except Unavailable:
        return  # they have a time of their own
    queue.publish(tuple(wakes))


def lines() -> Lines:
    """The process's lines; a forked worker makes its own."""
    return _lines(os.getpid())


@lru_cache(maxsize=1)
def _lines(_pid: int) -> Lines:
    return Lines()
