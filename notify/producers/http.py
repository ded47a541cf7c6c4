"""``POST /send`` many times at once: messages in; for each the answer, or a word why all of them must wait.

What is wrong with one message is its own answer. What is wrong with the way there (no connection, 5xx, 429)
is tried again under the same idempotency key for a while; what is wrong with the key ends it all.
"""

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

import aiohttp
import orjson

from notify import clock
from notify.errors import Unauthenticated, Unavailable

_TRANSIENT = {408, 409, 425, 429}
_DENIED = {401, 403, 404}
_TIMEOUT = aiohttp.ClientTimeout(total=30, connect=5)
_LONGEST_WAIT_S = 8.0
_MAX_ANSWER = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Accepted:
    """``body``: the answer's JSON."""

    body: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Refused:
    """``reason``: what the API says of the message."""

    reason: str


class Sends:
    """A connection to one API with one key: ``async with Sends(url, key) as sends: await sends(...)``."""

    def __init__(self, url: str, key: str, *, connections: int, patience_s: float, kept: timedelta) -> None:
        """``patience_s``: how long one message is tried. ``kept``: how long its idempotency key holds."""
        self._url = f"{url.rstrip('/')}/send"
        self._key = key
        self._connections = connections
        self._patience_s = patience_s
        self._kept = kept

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"},
            connector=aiohttp.TCPConnector(limit=self._connections),
            timeout=_TIMEOUT,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def __call__(
        self, message: Any, idempotency_key: str, *, dry_run: bool = False
    ) -> Accepted | Refused:
        """Send one message.

        Raises:
            Unauthenticated: the API does not take this key, or is none.
            Unavailable: nobody answers, or only with errors, for longer than ``patience_s``.
        """
        body = orjson.dumps({"message": message})
        headers = {
            "Idempotency-Key": idempotency_key,
            "x-idempotency-expiration": str(clock.to_ms(clock.now() + self._kept)),
        }
        parameters = {"dry_run": "true"} if dry_run else None
        loop = asyncio.get_running_loop()
        deadline, wait_s = loop.time() + self._patience_s, 0.25
        while True:
            answer = await self._once(body, headers, parameters)
            if not isinstance(answer, _Again):
                return answer
            wait_s = min(_LONGEST_WAIT_S, max(wait_s * 2, answer.after_s))
            if loop.time() + wait_s > deadline:
                raise Unavailable(f"{self._url}: {answer.reason}")
            await asyncio.sleep(wait_s * random.uniform(0.8, 1.2))  # jitter, no secret

    async def _once(
        self, body: bytes, headers: dict[str, str], parameters: dict[str, str] | None
    ) -> "Accepted | Refused | _Again":
        try:
            async with self._session.post(
                self._url, data=body, headers=headers, params=parameters, allow_redirects=False
            ) as response:
                said = _object(await response.content.read(_MAX_ANSWER))
                return _meaning(response.status, response.headers.get("Retry-After"), said)
        except (aiohttp.ClientError, TimeoutError) as error:
            return _Again(str(error) or type(error).__name__)


@dataclass(frozen=True, slots=True)
class _Again:
    reason: str
    after_s: float = 0.0


def _meaning(status: int, retry_after: str | None, said: dict[str, Any]) -> Accepted | Refused | _Again:
    if 200 <= status < 300 and said:
        return Accepted(said)
    reason = f"{status} {said.get('message') or 'without a reason'}"
    if status in _DENIED:
        raise Unauthenticated(reason)
    if status in _TRANSIENT or status >= 500 or status < 400:
        return _Again(reason, _seconds(retry_after))
    return Refused(str(said.get("message") or reason))


def _seconds(retry_after: str | None) -> float:
    return float(retry_after) if retry_after and retry_after.isdigit() else 0.0


def _object(answer: bytes) -> dict[str, Any]:
    try:
        body = orjson.loads(answer)
    except orjson.JSONDecodeError:
        return {}
    return body if isinstance(body, dict) else {}
