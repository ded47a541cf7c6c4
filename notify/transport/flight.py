"""Calls under way together: more are added while answers of others come in."""

import time
from collections.abc import Mapping, Sequence
from queue import Empty, SimpleQueue
from types import MappingProxyType, TracebackType
from typing import Any, Generic, TypeVar

from notify.model.call import Answer, Call
from notify.transport.engine import Engine
from notify.transport.turns import Begin, Turns

K = TypeVar("K")
_CHECK_S = 1.0
_AT_ONCE: Mapping[Any, float] = MappingProxyType({})


class Flight(Generic[K]):
    """For one thread. Its length is the number of calls without an answer; leaving its block cancels them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._arrived: SimpleQueue[tuple[K, Answer]] = SimpleQueue()
        self._tasks: set[Any] = set()
        self._turns: list[Turns[K]] = []
        self._refused: list[K] = []
        self._left = 0

    def __len__(self) -> int:
        return self._left

    def __enter__(self) -> "Flight[K]":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._left:
            self._engine.cancel(self._tasks)

    def start(
        self,
        calls: Sequence[tuple[K, Call]],
        after_s: Mapping[K, float] = _AT_ONCE,
        begin: Begin[K] | None = None,
    ) -> None:
        """Start ``calls``, those in ``after_s`` in so many seconds.

        Args:
            begin: asked, in the caller's thread, with the calls whose time has come, which of them may start;
                the others are answered None. Without it all of them do.
        """
        self._left += len(calls)
        if begin is None:
            self._engine.start(calls, after_s, self._arrived, self._tasks)
        else:
            self._turns.append(Turns(calls, after_s, begin))
            self._take_turns()

    def arrived(self, wait_s: float) -> list[tuple[K, Answer | None]]:
        """What has come in; waits for the first of it, ``wait_s`` seconds at most."""
        until = time.monotonic() + wait_s
        while True:
            self._take_turns()
            group: list[tuple[K, Answer | None]] = [(key, None) for key in self._refused]
            self._refused.clear()
            group += self._drain(0.0 if group else max(0.0, until - time.monotonic()))
            if group or time.monotonic() >= until:
                self._left -= len(group)
                return group

    def _take_turns(self) -> None:
        for turns in self._turns:
            may, refused = turns.due()
            if may:
                self._engine.start(may, _AT_ONCE, self._arrived, self._tasks)
            self._refused += refused
        self._turns = [turns for turns in self._turns if turns]

    def _drain(self, wait_s: float) -> list[tuple[K, Answer | None]]:
        """Ends early when somebody's turn has come."""
        wait_s = min([wait_s, _CHECK_S, *(turns.wait_s() for turns in self._turns)])
        group: list[tuple[K, Answer | None]] = []
        try:
            group.append(self._arrived.get(timeout=wait_s))
            while True:
                group.append(self._arrived.get_nowait())
        except Empty:
            if not (group or self._turns or self._engine.is_mine()):
                raise RuntimeError("the transport's event loop is gone") from None
        return group
