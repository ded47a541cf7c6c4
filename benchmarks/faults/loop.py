"""An event loop in a thread of its own, where the outside world lives: proxies, providers, clients."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

import uvloop

T = TypeVar("T")


class Loop:
    """``run`` and ``soon`` may be called from any other thread."""

    def __init__(self) -> None:
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="outside", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T], timeout_s: float | None = 60) -> T:
        """The result of ``work``, once it is done."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def soon(self, work: Coroutine[Any, Any, T]) -> "asyncio.Future[T]":
        """Begin ``work``."""
        return asyncio.run_coroutine_threadsafe(work, self._loop)  # type: ignore[return-value]

    def call(self, function: Any, *arguments: Any) -> None:
        """Have the loop's thread call ``function``."""
        self._loop.call_soon_threadsafe(function, *arguments)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
