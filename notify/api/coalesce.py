"""Group commit: concurrent calls gather while a flush is under way, and go together in the next one.

Idle, a call leaves at once in a batch of one; under load batches grow by themselves. Nothing waits for
company, and nobody waits longer than the deadline.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from notify.errors import Unavailable

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741
Flush = Callable[[Sequence[I]], Sequence[O | Exception]]

_RECENT_S = 2.0
_NOT_STORED = "The database does not answer in time; nothing was stored."
_NOT_KNOWN = (
    "The database does not answer in time; whether this was stored is not known."
    " Repeat it with the same Idempotency-Key."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """``size``: items of one flush; ``waiting_max``: items that may wait; ``timeout_s``: for one item."""

    size: int
    waiting_max: int
    timeout_s: float


@dataclass(slots=True, eq=False)
class _Waiting(Generic[I, O]):
    item: I
    future: asyncio.Future[O]
    leaving: bool = False

    def give_up(self) -> None:
        if not self.future.done():
            self.future.set_exception(Unavailable(_NOT_KNOWN if self.leaving else _NOT_STORED))


class Coalescer(Generic[I, O]):
    """``flush`` runs in one thread, a batch at a time, and gives each item its own result or exception."""

    def __init__(self, flush: Flush[I, O], bounds: Bounds) -> None:
        self._flush = flush
        self._bounds = bounds
        self._waiting: deque[_Waiting[I, O]] = deque()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="flush")
        self._running: asyncio.Task[None] | None = None
        self._began_at: float | None = None
        self._took_s, self._ended_at = 0.0, float("-inf")

    @property
    def fill(self) -> float:
        """How full the waiting room is, 0 to 1."""
        return len(self._waiting) / self._bounds.waiting_max

    @property
    def delay_s(self) -> float:
        """For how long a flush has been under way, or how long the last one took, if that was just now."""
        now = time.monotonic()
        under_way_s = now - self._began_at if self._began_at is not None else 0.0
        return max(under_way_s, self._took_s if now < self._ended_at + _RECENT_S else 0.0)

    async def submit(self, item: I) -> O:
        """The result of ``item``, once its batch is through.

        Raises:
            Unavailable: too many calls are waiting already; or the time is up, and the text says whether the
                item may be stored: one that has not left is never stored.
        """
        if len(self._waiting) >= self._bounds.waiting_max:
            raise Unavailable("Too many requests are waiting.", retry_after_s=1)
        loop = asyncio.get_running_loop()
        waiting: _Waiting[I, O] = _Waiting(item, loop.create_future())
        self._waiting.append(waiting)
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._drain())
        timer = loop.call_later(self._bounds.timeout_s, self._expire, waiting)
        try:
            return await waiting.future
        finally:
            timer.cancel()

    def _expire(self, waiting: _Waiting[I, O]) -> None:
        if not waiting.leaving:
            self._waiting.remove(waiting)
        waiting.give_up()

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch = self._next_batch()
            items = [one.item for one in batch]
            self._began_at = began_at = time.monotonic()
            results = await loop.run_in_executor(self._thread, self._flush_safely, items)
            self._began_at, self._ended_at = None, time.monotonic()
            self._took_s = self._ended_at - began_at
            for one, result in zip(batch, results, strict=True):
                if one.future.done():  # the client has gone, or the time was up; its message stays
                    continue
                if isinstance(result, Exception):
                    one.future.set_exception(result)
                else:
                    one.future.set_result(result)

    def _next_batch(self) -> list[_Waiting[I, O]]:
        batch = [self._waiting.popleft() for _ in range(min(self._bounds.size, len(self._waiting)))]
        for one in batch:
            one.leaving = True
        return batch

    def _flush_safely(self, items: Sequence[I]) -> Sequence[O | Exception]:
        try:
            return self._flush(items)
        except Unavailable as error:
            return [error] * len(items)
        except Exception as error:  # noqa: BLE001  # handed to whose item it was
            # One item that cannot be stored must not fail its neighbours.
            return [error] if len(items) == 1 else [r for item in items for r in self._flush_safely([item])]

    async def close(self) -> None:
        """Let the calls under way finish."""
        if self._running:
            await self._running
        self._thread.shutdown()
