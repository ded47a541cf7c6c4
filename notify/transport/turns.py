"""Calls that wait for their time in the caller's thread, who is asked about each when it has come."""

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Generic, TypeVar

from notify.model.call import Call

K = TypeVar("K")
Begin = Callable[[Sequence[K]], Collection[K]]
"""Which of these calls, whose time has come, may start."""


class Turns(Generic[K]):
    """``after_s``: the calls that start later, in how many seconds from now."""

    def __init__(self, calls: Sequence[tuple[K, Call]], after_s: Mapping[K, float], begin: Begin[K]) -> None:
        now = time.monotonic()
        timed = [(now + after_s.get(key, 0), key, call) for key, call in calls]
        self._waiting = deque(sorted(timed, key=lambda one: one[0]))
        self._begin = begin

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def due(self) -> tuple[list[tuple[K, Call]], list[K]]:
        """The calls that start now; and those that may not, now or later."""
        now, come = time.monotonic(), []
        while self._waiting and self._waiting[0][0] <= now:
            come.append(self._waiting.popleft()[1:])
        allowed = self._begin([key for key, _ in come]) if come else ()
        return [one for one in come if one[0] in allowed], [key for key, _ in come if key not in allowed]

    def wait_s(self) -> float:
        """Seconds until the next one's time, of which there must be one."""
        return max(self._waiting[0][0] - time.monotonic(), 0)
