"""ASGI middleware: bounded bodies, and routing on the undecoded path."""

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notify.api.errors import answer

_DRAIN_FACTOR = 16


class BodyLimit:
    """Answers 413, in our words, to bodies over ``max_bytes`` (FastAPI's own limit answers in plain text)."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max = max_bytes
        self._refusal = f"The body is larger than {max_bytes} bytes."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        length = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        if length.isdigit() and int(length) > self._max:
            await self._drain(receive)
            await answer(413, "invalid_request_error", self._refusal)(scope, receive, send)
        else:
            await self._app(scope, self._counted(receive), send)

    def _counted(self, receive: Receive) -> Receive:
        """``receive`` for a body of unknown length."""
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._max:
                raise HTTPException(413, self._refusal)
            return message

        return counted

    async def _drain(self, receive: Receive) -> None:
        """Read and forget, up to a bound, so that the client sees the answer, not a broken connection."""
        left = self._max * _DRAIN_FACTOR
        while left > 0:
            message = await receive()
            left -= len(message.get("body", b"")) or 1
            if not message.get("more_body", False):
                return


class RawPath:
    """Routes on the path as it was sent, so that an id may hold ``%2F``; parameters are decoded after."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("raw_path"):
            scope["path"] = scope["raw_path"].split(b"?")[0].decode("latin-1")
        await self._app(scope, receive, send)
