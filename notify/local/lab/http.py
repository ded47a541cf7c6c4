"""A scriptable HTTP server: keeps what arrives, answers by a handler, by script, or not at all well."""

import asyncio
import socket
import struct
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl

import orjson
from aiohttp import web

from notify.local.lab.server import KEPT, Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What arrived. Header names are lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return orjson.loads(self.body)

    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered, after ``delay_s``. ``raw``: these bytes instead of HTTP, then a reset."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_s: float = 0.0
    raw: bytes | None = None

    @classmethod
    def json(cls, value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Self:
        merged = {"content-type": "application/json", **(headers or {})}
        return cls(status=status, headers=merged, body=orjson.dumps(value))


Handler = Callable[[Request], Reply]


class HttpLab(Server):
    """Answers by ``handler``, unless replies are scripted: those come first, one per request."""

    def __init__(self, handler: Handler | None = None, port: int = 0, kept: int = KEPT) -> None:
        super().__init__(port)
        self._handler: Handler = handler or (lambda request: Reply())
        self._scripted: deque[Reply] = deque()
        self._always: Reply | None = None
        self.requests: deque[Request] = deque(maxlen=kept)

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def script(self, *replies: Reply) -> None:
        """The answers to the next requests, whatever they ask."""
        self._scripted.extend(replies)

    @contextmanager
    def always(self, reply: Reply) -> Iterator[None]:
        """Every request is answered so, inside the block: an outage, for instance."""
        self._always = reply
        try:
            yield
        finally:
            self._always = None

    async def _listen(self) -> asyncio.Server:
        self._web = web.Server(self._serve)
        # A hundred wait by default: more connections at once would be told to come again in a second.
        return await self._loop.create_server(self._connect, self.host, self.port, backlog=1024)

    def _connect(self) -> asyncio.BaseProtocol:
        self.connections += 1
        return self._web()

    async def _break(self) -> None:
        await self._web.shutdown(0.1)

    async def _serve(self, incoming: web.BaseRequest) -> web.Response:
        request = await _request(incoming)
        self.count += 1
        self.requests.append(request)
        reply = self._reply(request)
        await asyncio.sleep(reply.delay_s)
        if reply.raw is not None:
            _reset(incoming, reply.raw)
        return web.Response(status=reply.status, headers=reply.headers, body=reply.body)

    def _reply(self, request: Request) -> Reply:
        if self._scripted:
            return self._scripted.popleft()
        return self._always or self._handler(request)


async def _request(incoming: web.BaseRequest) -> Request:
    return Request(
        method=incoming.method,
        path=incoming.path,
        query=dict(incoming.query),
        headers={name.lower(): value for name, value in incoming.headers.items()},
        body=await incoming.read(),
    )


def _reset(incoming: web.BaseRequest, raw: bytes) -> None:
    transport = incoming.transport
    if transport is None:
        return
    transport.write(raw)
    # No linger: closing sends RST, as a crashed server's machine does.
    transport.get_extra_info("socket").setsockopt(
        socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
    )
    transport.abort()
