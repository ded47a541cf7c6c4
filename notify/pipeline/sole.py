"""One flight per place and process: what comes beside it is told to it, and does nothing of its own.

A flight takes all that is ready at its place while it goes on. A second one in the same process (a pool of
threads) would compete with it, and keep other channels waiting for a thread.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from notify import settings
from notify.model.work import Handoff, Place, Wake


@dataclass(slots=True)
class Sole:
    """The only flight of its place. ``missed``: somebody came while it went on."""

    place: Place
    missed: bool = False
    since: float = field(default_factory=time.monotonic)

    def leave(self) -> Handoff:
        """Take no more; a wake-up for what came meanwhile. Others may begin. Again: nothing."""
        with _lock:
            if _flying.get(self.place) is not self:
                return ()
            del _flying[self.place]
        return (Wake(place=self.place, ids=()),) if self.missed else ()


_flying: dict[Place, Sole] = {}
_lock = threading.Lock()


@contextmanager
def sole(place: Place) -> Iterator[Sole | None]:
    """The place for as long as the block runs, or until ``leave``; None: another has it."""
    with _lock:
        other = _flying.get(place)
        # What hangs for longer than a task may run keeps nobody out.
        if other and time.monotonic() - other.since < settings.load().task_time_limit_s:
            other.missed = True
            mine = None
        else:
            mine = _flying[place] = Sole(place)
    try:
        yield mine
    finally:
        if mine:
            mine.leave()
