"""ASGI middleware: bounded bodies, and routing on the undecoded path."""

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notify.api.errors import answer

_DRAIN_FACTOR = 16


class BodyLimit:
    """Answers 413, in our words, to bodies over ``max_bytes`` (FastAPI's own limit answers in plain text).

    ``below``: limits of their own for the paths that begin so.
    """

    def __init__(self, app: ASGIApp, max_bytes: int, below: Mapping[str, int]) -> None:
        self._app = app
        self._max = max_bytes
        self._below = below

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = next((n for path, n in self._below.items() if scope["path"].startswith(path)), self._max)
        length = Headers(scope=scope).get("content-length", "")
        if length.isdigit() and int(length) > most:
            await self._drain(receive, most)
            await answer(413, "invalid_request_error", _too_large(most))(scope, receive, send)
        else:
            await self._app(scope, self._counted(receive, most), send)

    def _counted(self, receive: Receive, most: int) -> Receive:
        """``receive`` for a body of unknown length."""
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > most:
                raise HTTPException(413, _too_large(most))
            return message

        return counted

    async def _drain(self, receive: Receive, most: int) -> None:
        """Read and forget, up to a bound, so that the client sees the answer, not a broken connection."""
        left = most * _DRAIN_FACTOR
        while left > 0:
            message = await receive()
            left -= len(message.get("body", b"")) or 1
            if not message.get("more_body", False):
                return


def _too_large(most: int) -> str:
    return f"The body is larger than {most} bytes."


class RawPath:
    """Routes on the path as it was sent, so that an id may hold ``%2F``; parameters are decoded after."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope.get("raw_path"):
            scope["path"] = scope["raw_path"].split(b"?")[0].decode("latin-1")
        await self._app(scope, receive, send)
