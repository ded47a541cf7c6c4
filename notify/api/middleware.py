"""ASGI middleware: bounded bodies, and routing on the undecoded path."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_DRAIN_FACTOR = 16


class BodyLimit:
    """Answers 413 to bodies over ``max_bytes``.

    What follows is read and thrown away (up to a bound), so that the client sees the answer rather than a
    broken connection.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"")
        if length.isdigit():
            if int(length) > self._max:
                await self._refuse(scope, receive, send)
            else:
                await self._app(scope, receive, send)
            return
        await self._count(scope, receive, send)

    async def _count(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A body of unknown length is read first, as far as it may go."""
        chunks: list[bytes] = []
        more, size = True, 0
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            more = message.get("more_body", False)
            if size > self._max:
                await self._refuse(scope, receive, send)
                return
        body: Message = {"type": "http.request", "body": b"".join(chunks), "more_body": False}
        waiting = [body]

        async def replay() -> Message:
            return waiting.pop() if waiting else await receive()

        await self._app(scope, replay, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        left = self._max * _DRAIN_FACTOR
        while left > 0:
            message = await receive()
            left -= len(message.get("body", b"")) or 1
            if message["type"] != "http.request" or not message.get("more_body", False):
                break
        body = {"type": "invalid_request_error", "message": f"The body is larger than {self._max} bytes."}
        await JSONResponse(body, status_code=413)(scope, receive, send)


class RawPath:
    """Routes on the path as it was sent, so that an id may hold ``%2F``; parameters are decoded after."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("raw_path"):
            scope["path"] = scope["raw_path"].split(b"?")[0].decode("latin-1")
        await self._app(scope, receive, send)
