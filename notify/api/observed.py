"""ASGI middleware: a request's id, its log line, its metrics and its span."""

import re
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notify import ids, log, metrics, settings, tracing

REQUEST_ID = "x-request-id"
_LOCAL = "notify.request_id"
# What a log line may hold unescaped, and no address.
_PLAUSIBLE = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_log = log.get(__name__)


class Observed:
    """Outermost of ours. Every answer names its request's id, the caller's own if it gave a plausible one."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._say = getattr(_log, settings.load().access_log_level)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        scope[_LOCAL] = _id_of(headers)
        log.clear()
        log.bind(request_id=scope[_LOCAL])
        with self._counted(scope) as seen, tracing.request(_method(scope), headers, {}) as span:
            await self._app(scope, receive, _noting(scope, send, seen))
            span.update_name(f"{_method(scope)} {_route(scope)}")
            span.set_attribute("http.response.status_code", seen["status"])

    @contextmanager
    def _counted(self, scope: Scope) -> Iterator[dict[str, int]]:
        begin = time.monotonic()
        seen = {"status": 500}
        try:
            yield seen
        finally:
            self._tell(_method(scope), _route(scope), seen["status"], time.monotonic() - begin)

    def _tell(self, method: str, route: str, status: int, seconds: float) -> None:
        metrics.HTTP_REQUESTS.labels(method, route, str(status)).inc()
        metrics.HTTP_SECONDS.labels(method, route).observe(seconds)
        say = _log.warning if status >= 500 else self._say
        say("api.request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))


def request_id(scope: MutableMapping[str, Any]) -> str:
    """The request's id, for what answers it after all middleware."""
    return str(scope.get(_LOCAL, ""))


def _id_of(headers: Headers) -> str:
    given = headers.get(REQUEST_ID, "")
    return given if _PLAUSIBLE.fullmatch(given) else ids.new().hex


def _noting(scope: Scope, send: Send, seen: dict[str, int]) -> Send:
    async def noted(message: Message) -> None:
        if message["type"] == "http.response.start":
            seen["status"] = message["status"]
            MutableHeaders(scope=message)[REQUEST_ID] = scope[_LOCAL]
        await send(message)

    return noted


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in _METHODS else "other"


def _route(scope: Scope) -> str:
    """The route's template, so that no path's ids and names become labels."""
    return getattr(scope.get("route"), "path", None) or "none"
