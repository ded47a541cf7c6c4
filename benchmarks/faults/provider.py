"""Providers that write down every request: accepted or refused, and whether the answer could get through.

Three sites: ``hook`` (webhooks), ``text-1`` and ``text-2`` (two accounts of an SMS service).
"""

import asyncio
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from benchmarks.faults.loop import Loop
from benchmarks.faults.marks import Kind, Mark, find

SITES = ("hook", "text-1", "text-2")
_NO_CONTENT = b"HTTP/1.1 204 X\r\n\r\n"
_LENGTH = b"content-length:"
_KEY = b"idempotency-key:"


class Behaviour(StrEnum):
    OK = "ok"
    DOWN = "down"  # 503
    SLOW = "slow"  # works for long, then accepts, if its caller is still there
    FLAPPING = "flapping"  # up and down by the second
    GARBAGE = "garbage"  # no HTTP
    RESETTING = "resetting"  # accepts, then breaks the connection
    MUTE = "mute"  # accepts, and never answers


class Acceptance(NamedTuple):
    """``answered``: the site has sent its answer; ``key``: the idempotency key it was given."""

    at: float
    site: str
    answered: bool
    key: bytes


class Records:
    """What all sites have seen."""

    def __init__(self) -> None:
        self.accepted: defaultdict[int, list[Acceptance]] = defaultdict(list)
        self.seen: Counter[int] = Counter()
        self.requests = 0
        self.refused = 0
        self.unknown = 0

    def duplicates(self) -> dict[int, list[Acceptance]]:
        """Messages accepted more than once; others may be added meanwhile."""
        return {key: found for key, found in self.accepted.copy().items() if len(found) > 1}


class Site:
    def __init__(self, name: str, records: Records, slow_s: float) -> None:
        self.name = name
        self.records = records
        self.slow_s = slow_s
        self.behaviour = Behaviour.OK
        self.port = 0
        self.latency_s: Callable[[], float] = lambda: random.expovariate(100)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Outside:
    """All sites, listening."""

    def __init__(self, loop: Loop, slow_s: float = 30) -> None:
        self.records = Records()
        self.sites = {name: Site(name, self.records, slow_s) for name in SITES}
        for site in self.sites.values():
            site.port = loop.run(_listen(site))

    def behave(self, behaviour: Behaviour, *sites: str) -> None:
        for name in sites or SITES:
            self.sites[name].behaviour = behaviour


async def _listen(site: Site) -> int:
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(site), "127.0.0.1", 0, backlog=512
    )
    return int(server.sockets[0].getsockname()[1])


class _Connection(asyncio.Protocol):
    """One request after the other, as much of HTTP/1.1 as our client speaks."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]  # uvloop has its own class

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, found, rest = self._buffer.partition(b"\r\n\r\n")
        if found and len(rest) >= (length := int(_header(head, _LENGTH) or 0)):
            self._buffer = rest[length:]
            self._site.records.requests += 1
            asyncio.get_running_loop().call_later(self._wait(), self._serve, head, rest[:length])

    def _wait(self) -> float:
        return self._site.slow_s if self._site.behaviour is Behaviour.SLOW else self._site.latency_s()

    def _serve(self, head: bytes, body: bytes) -> None:
        if self._transport.is_closing():
            return
        mark = find(body)
        if mark is None:
            self._site.records.unknown += 1
            self._answer(400, b"{}")
            return
        self._site.records.seen[mark.key] += 1
        match self._site.behaviour:
            case Behaviour.GARBAGE:
                self._transport.write(b"220 smtp.example.com ESMTP\r\n")
                self._transport.close()
            case Behaviour.RESETTING:
                self._accept(mark, head, answered=False)
                self._transport.abort()
            case Behaviour.MUTE:
                self._accept(mark, head, answered=False)
            case Behaviour.DOWN:
                self._refuse(503)
            case Behaviour.FLAPPING if int(time.time()) % 2:
                self._refuse(503)
            case _:
                self._decide(mark, head)

    def _decide(self, mark: Mark, head: bytes) -> None:
        texting = self._site.name.startswith("text")
        match mark.kind:
            case Kind.REFUSED:
                self._refuse(400 if texting else 410, code=21211)
            case Kind.OTHER_CHANNEL if texting:
                self._refuse(400, code=21211)
            case Kind.OTHER_PROVIDER if self._site.name == "text-1":
                self._refuse(401, code=20003)
            case Kind.RETRIED if self._site.records.seen[mark.key] <= 1 + mark.send % 2:
                self._refuse(429)
            case _:
                self._accept(mark, head, answered=True)
                self._answer(201 if texting else 204, b'{"sid": "SM%032d"}' % mark.key if texting else b"")

    def _accept(self, mark: Mark, head: bytes, *, answered: bool) -> None:
        entry = Acceptance(time.time(), self._site.name, answered, _header(head, _KEY) or b"")
        self._site.records.accepted[mark.key].append(entry)

    def _refuse(self, status: int, code: int = 0) -> None:
        self._site.records.refused += 1
        self._answer(status, b'{"code": %d, "message": "no"}' % code)

    def _answer(self, status: int, body: bytes) -> None:
        head = b"HTTP/1.1 %d X\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self._transport.write(_NO_CONTENT if status == 204 else head % (status, len(body)) + body)


def _header(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n"):
        if line[: len(name)].lower() == name:
            return line[len(name) :].strip()
    return None
