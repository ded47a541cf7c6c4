"""Executes calls: many at once on one event loop in a thread of its own, for callers that are synchronous.

In: keyed calls. Out: groups of keyed answers, as they come in. The loop starts with the first call of a
process and again after a fork, so a transport may be made before worker processes are.
"""

import threading
from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

from notify.model.call import Answer, Call
from notify.transport.engine import Engine
from notify.transport.flight import Flight
from notify.transport.settings import TransportSettings

K = TypeVar("K")
_CHECK_S = 1.0


class Transport:
    """One per process is enough; safe to use from several threads."""

    def __init__(self, settings: TransportSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._engine: Engine | None = None
        # Kept for good: to collect a parent's loop would close what the parent still polls.
        self._inherited: list[Engine | None] = []

    def execute(self, calls: Sequence[tuple[K, Call]]) -> Iterator[list[tuple[K, Answer]]]:
        """Start all ``calls`` and yield their answers in groups: each is what has come in since the last.

        Every call gets exactly one answer; nothing a call does raises here. Leaving the iterator early
        cancels what is still under way.
        """
        flight: Flight[K]
        with self.flight() as flight:
            flight.start(calls)
            while flight:
                if group := flight.arrived(_CHECK_S):
                    yield [(key, answer) for key, answer in group if answer]

    def flight(self) -> Flight[Any]:
        """Calls that are under way together, to which others may be added."""
        return Flight(self._running())

    def _running(self) -> Engine:
        engine = self._engine
        if engine is not None and engine.is_mine():
            return engine
        with self._lock:
            if self._engine is None or not self._engine.is_mine():
                self._inherited.append(self._engine)
                self._engine = Engine(self._settings)
            return self._engine

    def close(self) -> None:
        """Close all connections and stop the loop. A later call starts anew."""
        with self._lock:
            engine, self._engine = self._engine, None
        if engine is not None and engine.is_mine():
            engine.close()
