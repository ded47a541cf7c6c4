"""Wake-ups published beside the work, so that a broker that hangs delays no caller and no record.

What cannot be published is dropped: the work is stored, and the reconciler wakes it up.
"""

import threading
import time

from notify import queue
from notify.model.work import Handoff, Wake

_PAUSE_S = 1.0
_MAX_WAITING = 10_000


class Publisher:
    """One thread; wake-ups that come while it publishes leave together in its next round."""

    def __init__(self) -> None:
        self._waiting: list[Wake] = []
        self._lock = threading.Lock()
        self._offered = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)
        self._thread.start()

    def offer(self, handoff: Handoff) -> None:
        """Publish soon; returns at once."""
        with self._lock:
            if len(self._waiting) < _MAX_WAITING:
                self._waiting.extend(handoff)
        self._offered.set()

    def _run(self) -> None:
        while not (self._closing and not self._waiting):
            self._offered.wait()
            self._offered.clear()
            with self._lock:
                wakes, self._waiting = tuple(self._waiting), []
            if wakes and not queue.publish(wakes):
                time.sleep(_PAUSE_S)

    def close(self) -> None:
        """Publish what is waiting, then stop."""
        self._closing = True
        self._offered.set()
        self._thread.join(timeout=5)
