"""A server on an event loop in a thread of its own: started, stopped, and on a free port unless told."""

import asyncio
import threading
import time
from collections.abc import Coroutine
from typing import Any, Self

KEPT = 10_000
"""How many requests or mails a server keeps; older ones are forgotten, its ``count`` goes on."""

_TIMEOUT_S = 10


class Server:
    """``with`` starts and stops it. ``port`` is the real one once it listens.

    ``count``: requests or mails that arrived; ``connections``: how many were opened for them.
    """

    host = "127.0.0.1"

    def __init__(self, port: int) -> None:
        self.port = port
        self.count = 0
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=type(self).__name__, daemon=True)

    async def _listen(self) -> asyncio.Server:
        raise NotImplementedError

    async def _break(self) -> None:
        """End every open connection."""

    def start(self) -> Self:
        """Listen.

        Raises:
            OSError: the port is taken.
        """
        self._thread.start()
        self._server = self._do(self._listen())
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def stop(self) -> None:
        """Stop listening and break all connections."""
        self._do(self._shut())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_TIMEOUT_S)
        self._loop.close()

    def wait_for(self, count: int, timeout_s: float = 5.0) -> None:
        """Return once ``count`` requests or mails have arrived since the start.

        Raises:
            TimeoutError: they have not.
        """
        until = time.monotonic() + timeout_s
        while self.count < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{self.count} of {count} arrived within {timeout_s} s")
            time.sleep(0.005)

    async def _shut(self) -> None:
        self._server.close()
        await self._break()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_TIMEOUT_S)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
