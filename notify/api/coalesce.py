"""Group commit: concurrent calls gather while a flush is under way, and go together in the next one.

Idle, a call leaves at once in a batch of one; under load batches grow by themselves. Nothing waits for
company.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

from notify.errors import Unavailable

I = TypeVar("I")  # noqa: E741
O = TypeVar("O")  # noqa: E741
Flush = Callable[[Sequence[I]], Sequence[O | Exception]]


class Coalescer(Generic[I, O]):
    """``flush`` runs in one thread, a batch at a time, and gives each item its own result or exception."""

    def __init__(self, flush: Flush[I, O], *, size: int, waiting_max: int) -> None:
        self._flush = flush
        self._size = size
        self._max = waiting_max
        self._waiting: list[tuple[I, asyncio.Future[O]]] = []
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="flush")
        self._running: asyncio.Task[None] | None = None

    async def submit(self, item: I) -> O:
        """The result of ``item``, once its batch is through.

        Raises:
            Unavailable: too many calls are waiting already.
        """
        if len(self._waiting) >= self._max:
            raise Unavailable("Too many requests are waiting.", retry_after_s=1)
        future: asyncio.Future[O] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._drain())
        return await future

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting[: self._size], self._waiting[self._size :]
            results = await loop.run_in_executor(
                self._thread, self._flush_safely, [item for item, _ in batch]
            )
            for (_, future), result in zip(batch, results, strict=True):
                if future.done():  # the client has gone; its message stays
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)

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
