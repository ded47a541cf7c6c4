"""The server that is moved from: paths in, JSON out. Nothing it answers is trusted, only ``GET`` is sent."""

import time
from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from urllib3.util import Retry

from notify.errors import NotFound, NotifyError, Unauthenticated

Json = dict[str, Any]
MAX_ANSWER_BYTES = 32 * 2**20
_TIMEOUT_S = (10, 60)
_DEADLINE_S = 300.0
_TRIES = 6
_MAX_WAIT_S = 60
_MAX_PAGES = 1_000_000
_ROWS = ("items", "results", "tokens")
_REASON_CHARS = 300


class Unreachable(NotifyError):
    """The source does not answer: moving stops, and the next call goes on."""


class Unreadable(NotifyError):
    """The source does not give this one thing, or not in a shape that can be read."""


class Page(NamedTuple):
    """``following``: the cursor of the next page."""

    rows: list[Any]
    following: str | None


class _Bearer(AuthBase):
    """As an object, so that no ``.netrc`` takes its place."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


class Source:
    """Safe to read from several threads. Waits out 429, 5xx and ``Retry-After``, up to a minute each time."""

    def __init__(self, url: str, key: str, *, connections: int) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.auth = _Bearer(key)
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        waits = Retry(
            total=_TRIES,
            status_forcelist=(408, 429, 500, 502, 503, 504),
            allowed_methods={"GET"},
            backoff_factor=0.5,
            backoff_jitter=0.5,
            backoff_max=_MAX_WAIT_S,
            retry_after_max=_MAX_WAIT_S,
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=connections, max_retries=waits))

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def get(self, *path: str, **query: Any) -> Json:
        """A resource; its path is given in parts.

        Raises:
            Unreachable: there is no answer.
            Unauthenticated: the key is not taken.
            NotFound: it does not exist.
            Unreadable: it is refused, too large, or no JSON object.
        """
        try:
            answer = orjson.loads(self._read(path, query))
        except orjson.JSONDecodeError:
            raise Unreadable(f"{'/'.join(path)}: the answer is not JSON") from None
        if not isinstance(answer, dict):
            raise Unreadable(f"{'/'.join(path)}: the answer is not an object")
        return answer

    def text(self, *path: str) -> str:
        """A resource that is text, or a JSON string.

        Raises:
            As ``get``.
        """
        body = self._read(path, {})
        try:
            found = orjson.loads(body) if body[:1] == b'"' else body.decode()
        except ValueError:
            raise Unreadable(f"{'/'.join(path)}: the answer is not text") from None
        return str(found)

    def page(self, *path: str, cursor: str | None = None, **query: Any) -> Page:
        """One page of a list, of any style.

        Raises:
            As ``get``.
        """
        answer = self.get(*path, **query, **({"cursor": cursor} if cursor else {}))
        rows = next((answer[name] for name in _ROWS if isinstance(answer.get(name), list)), None)
        if rows is None and answer.get("items", "") is not None:
            raise Unreadable(f"{'/'.join(path)}: the answer holds no list")
        return Page(rows or [], _following(answer))

    def pages(self, *path: str, begin: Page | None = None, **query: Any) -> Iterator[list[Any]]:
        """The rows, page by page. ``begin``: the first page, if it has been read.

        Raises:
            As ``get``; also Unreadable when a page leads back to one that was read.
        """
        found, seen = begin or self.page(*path, **query), set[str]()
        for _ in range(_MAX_PAGES):
            yield found.rows
            if found.following is None:
                return
            if found.following in seen:
                break
            seen.add(found.following)
            found = self.page(*path, cursor=found.following, **query)
        raise Unreadable(f"{'/'.join(path)}: its pages do not end")

    def _read(self, path: tuple[str, ...], query: Json) -> bytes:
        where = "/".join(path)
        if {"", ".", ".."} & set(path):
            raise Unreadable(f"{where}: such an id cannot be asked for")
        url = "/".join((self._url, *(quote(part, safe="") for part in path)))
        try:
            with self._session.get(
                url, params=query, stream=True, timeout=_TIMEOUT_S, allow_redirects=False
            ) as answer:
                body = _bounded(answer, where)
        except requests.RequestException as error:
            raise Unreachable(f"{self._url} does not answer ({type(error).__name__})") from None
        _check(answer.status_code, body, where)
        return body


def _bounded(answer: requests.Response, where: str) -> bytes:
    body, until = bytearray(), time.monotonic() + _DEADLINE_S
    for chunk in answer.iter_content(64 * 1024):
        body += chunk
        if len(body) > MAX_ANSWER_BYTES:
            raise Unreadable(f"{where}: the answer is larger than {MAX_ANSWER_BYTES} bytes")
        if time.monotonic() > until:
            raise Unreadable(f"{where}: the answer took longer than {_DEADLINE_S:.0f} s")
    return bytes(body)


def _check(status: int, body: bytes, where: str) -> None:
    if 200 <= status < 300:
        return
    said = f"{where}: the source answered {status} {_reason(body)}".rstrip()
    if status == 401:
        raise Unauthenticated(said)
    raise NotFound(said) if status == 404 else Unreadable(said)


def _reason(body: bytes) -> str:
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return ""
    said = str(answer.get("message") or "") if isinstance(answer, dict) else ""
    return plain(said)


def plain(text: str) -> str:
    """Somebody else's words on one line of a terminal."""
    return "".join(one if one.isprintable() else " " for one in text[:_REASON_CHARS])


def _following(answer: Json) -> str | None:
    paging = answer.get("paging")
    at, more = (paging, "more") if isinstance(paging, dict) else (answer, "has_more")
    cursor = at.get("cursor")
    return cursor if at.get(more, True) and isinstance(cursor, str) and cursor else None
