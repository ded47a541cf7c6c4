"""HTTP calls over aiohttp: reused connections, no redirects, cookies or proxies, everything bounded.

In: an ``HttpCall``. Out: an ``HttpAnswer``, or a ``NoAnswer`` whose text holds neither URL nor secret.
Once a status line and headers have arrived there is an answer, even if the body is too long or breaks
off: to call an accepted message unanswered would send it twice.
"""

import asyncio
import os
import ssl
from dataclasses import replace
from email.utils import formatdate

import aiohttp
from yarl import URL

from notify.model.call import Answer, HttpAnswer, HttpCall, NoAnswer
from notify.transport.guard import Forbidden, guarded_socket
from notify.transport.settings import TransportSettings

_KEEPALIVE_S = 15.0
_HEADERS = {"user-agent": "Notify", "accept": "*/*", "accept-encoding": "identity"}
_SKIPPED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
_MAX_STEPS = 2


class HttpClient:
    """Lives on one event loop. Trusted and untrusted calls never share a connection."""

    def __init__(self, settings: TransportSettings) -> None:
        self._settings = settings
        self._slots = asyncio.Semaphore(settings.concurrency)
        tls = ssl.create_default_context()
        self._open = self._session(aiohttp.TCPConnector(ssl=tls, limit=0, keepalive_timeout=_KEEPALIVE_S))
        self._guarded = self._session(
            aiohttp.TCPConnector(
                ssl=tls,
                limit=0,
                keepalive_timeout=_KEEPALIVE_S,
                use_dns_cache=False,
                socket_factory=guarded_socket(settings),
            )
        )

    def _session(self, connector: aiohttp.TCPConnector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            # Unpacking what a stranger compressed has no bound; it is asked not to compress.
            auto_decompress=False,
            skip_auto_headers=_SKIPPED,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(
                total=self._settings.timeout_s, sock_connect=self._settings.connect_timeout_s
            ),
        )

    async def execute(self, call: HttpCall) -> Answer:
        """The answer to ``call``, or to the call that its ``then`` makes of the first answer."""
        answer = await self._once(call)
        if call.then and isinstance(answer, NoAnswer):
            return replace(answer, maybe_sent=False)  # it was the look-up that got no answer
        for _ in range(1, _MAX_STEPS):
            following = call.then(answer) if call.then and isinstance(answer, HttpAnswer) else None
            if following is None:
                break
            call, answer = following, await self._once(following)
        return answer

    async def _once(self, call: HttpCall) -> Answer:
        async with self._slots:
            try:
                return await self._exchange(call)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
                return _no_answer(error)

    async def _exchange(self, call: HttpCall) -> Answer:
        url = URL(call.url)
        if url.scheme not in {"http", "https"}:
            return NoAnswer(error="only http and https URLs are called", forbidden=True)
        session = self._guarded if call.untrusted else self._open
        headers = {**_HEADERS, **call.headers}
        response = await session.request(
            call.method, url, data=call.body or None, headers=headers, allow_redirects=False
        )
        try:
            body = await _read(response, self._settings.max_answer_bytes)
            return HttpAnswer(status=response.status, headers=_headers(response), body=body)
        finally:
            # A body read to its end has already given its connection back; any other is closed.
            response.close()

    async def close(self) -> None:
        await self._open.close()
        await self._guarded.close()


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    try:
        async for chunk in response.content.iter_any():
            chunks.append(chunk)
            size += len(chunk)
            if size > limit:
                break
    except (aiohttp.ClientError, TimeoutError, OSError):
        pass  # the status has arrived and decides; adapters cope with half a body
    return b"".join(chunks)[:limit]


def _headers(response: aiohttp.ClientResponse) -> dict[str, str]:
    headers = {name.lower(): value for name, value in response.headers.items()}
    if "retry-after" in headers:
        # Adapters have no clock: an HTTP date is read relative to the answer's own.
        headers.setdefault("date", formatdate(usegmt=True))
    return headers


def _no_answer(error: Exception) -> NoAnswer:
    match error:
        case aiohttp.InvalidURL() | ValueError():
            return NoAnswer(error="the URL or a header cannot be sent", forbidden=True)
        case aiohttp.ClientConnectorError() if isinstance(error.os_error, Forbidden):
            return NoAnswer(error=str(error.os_error), forbidden=True)
        case aiohttp.ConnectionTimeoutError():
            return NoAnswer(error="connecting timed out")
        case TimeoutError():
            return NoAnswer(error="no answer in time", maybe_sent=True)
        case aiohttp.ClientConnectorDNSError():
            return NoAnswer(error="the host name does not resolve")
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
            return NoAnswer(error="no secure connection: the certificate or TLS handshake failed")
        case aiohttp.ClientConnectorError():
            return NoAnswer(error=f"cannot connect: {os.strerror(error.os_error.errno or 0)}")
        case aiohttp.ClientResponseError():
            return NoAnswer(error="the answer is not HTTP", maybe_sent=True)
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | OSError():
            return NoAnswer(error="the connection broke before an answer", maybe_sent=True)
    return NoAnswer(error=f"the call could not be made: {type(error).__name__}", maybe_sent=True)
