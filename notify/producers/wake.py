"""Wake-ups from a producer's process: sent beside it, so that a broker that hangs delays no commit.

What cannot be sent is dropped: the work is stored, and the reconciler wakes it up.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from threading import Lock
from typing import Any

from notify import settings
from notify.model.work import Handoff, Wake
from notify.settings import ProducerSettings

_MAX_WAITING = 10_000


class Waker:
    """One thread; it ends with the process, having sent what it was offered."""

    def __init__(self, config: ProducerSettings) -> None:
        self._config = config
        self._client: Any = None
        self._waiting: list[Wake] = []
        self._lock = Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="notify-wake")

    def offer(self, handoff: Handoff) -> None:
        """Send soon; returns at once."""
        with self._lock:
            if len(self._waiting) < _MAX_WAITING:
                self._waiting.extend(handoff)
        with suppress(RuntimeError):  # the process is ending
            self._thread.submit(self._flush)

    def _flush(self) -> None:
        with self._lock:
            wakes, self._waiting = tuple(self._waiting), []
        if wakes:
            # Celery is heavy, and only needed here.
            from notify import queue

            self._client = self._client or queue.client(self._config)
            queue.publish(wakes, self._client)


def waker() -> Waker | None:
    """This process's; None when no broker is set, and the reconciler does it all."""
    config = settings.load_producer()
    # Neither threads nor sockets outlive a fork.
    return _waker(config.broker_url, os.getpid()) if config.broker_url else None


@lru_cache(maxsize=1)
def _waker(url: str, pid: int) -> Waker:
    return Waker(settings.load_producer())
