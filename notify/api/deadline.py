"""ASGI middleware: a request whose answer has not begun in time gets 503; what comes later is swallowed."""

import asyncio
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notify.api.errors import answer

_LATE = "This takes too long; whether it was done is not known. Repeat it with the same Idempotency-Key."
_RETRY_AFTER_S = 5


class Deadline:
    """What hangs, hangs on a database that does: its thread is freed when the database is back."""

    def __init__(self, app: ASGIApp, seconds: float) -> None:
        self._app = app
        self._seconds = seconds
        self._answering: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = _Begun(send, lambda: self._answer(scope, receive, send))
        timer = asyncio.get_running_loop().call_later(self._seconds, begun.end)
        try:
            await self._app(scope, receive, begun.send)
        finally:
            timer.cancel()

    def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        late = answer(503, "service_unavailable", _LATE, {"Retry-After": str(_RETRY_AFTER_S)})
        task = asyncio.get_running_loop().create_task(late(scope, receive, send))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)


class _Begun:
    """Lets either the application or the deadline answer."""

    def __init__(self, send: Send, too_late: Callable[[], None]) -> None:
        self._send = send
        self._too_late = too_late
        self._begun = self._over = False

    async def send(self, message: Message) -> None:
        if not self._over:
            self._begun = True
            await self._send(message)

    def end(self) -> None:
        if not self._begun:
            self._over = True
            self._too_late()
