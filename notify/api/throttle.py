"""Failed authentications per client address: whoever guesses is soon told to wait.

Counted in each API process by itself, for a bounded number of addresses. A key that has been right once in
this process is not held up, so that a stranger behind the same proxy shuts nobody out who is at work.
"""

import math
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from ipaddress import IPv6Address, ip_address

from fastapi import Request

from notify import log
from notify.errors import Quota, TooMany, Unauthenticated

MAX_ADDRESSES = 10_000
MAX_KNOWN = 10_000
_IPV6_SITE = 64
_MINUTE_S = 60.0
_log = log.get(__name__)


class Throttle:
    """A bucket of failures per address: it holds ``per_minute`` of them, and empties within a minute.

    Not thread-safe: it lives on the API's event loop.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        # Address -> when its bucket will be empty.
        self._empty_at: OrderedDict[str, float] = OrderedDict()
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def check(self, address: str, credential: str) -> None:
        """Let a credential be tried.

        Raises:
            TooMany: there were too many wrong ones from this address.
        """
        if not self._per_minute or _digest(credential) in self._known:
            return
        quota = self._quota(address)
        if not quota.remaining:
            raise TooMany("Too many wrong keys from this address.", quota)

    @property
    def _share_s(self) -> float:
        """The time in which one failure is forgotten."""
        return _MINUTE_S / self._per_minute

    def _quota(self, address: str) -> Quota:
        full_s = max(0.0, self._empty_at.get(address, 0.0) - time.monotonic())
        # A hair of slack: what fills up by shares is compared with a whole.
        remaining = max(0, math.floor((_MINUTE_S - full_s) / self._share_s + 1e-9))
        next_s = full_s - (_MINUTE_S - self._share_s * (remaining + 1))
        return Quota(limit=self._per_minute, remaining=remaining, reset_s=max(0, math.ceil(next_s)))

    def failed(self, address: str) -> Quota | None:
        """A credential from this address was wrong; what is left, if anybody counts."""
        if not self._per_minute:
            return None
        now = time.monotonic()
        self._empty_at[address] = max(self._empty_at.get(address, now), now) + self._share_s
        _keep(self._empty_at, address, MAX_ADDRESSES)
        if self._empty_at[address] > now + _MINUTE_S - self._share_s:
            _log.warning("api.throttled", client=address)
        return self._quota(address)

    def succeeded(self, credential: str) -> None:
        """A credential was right."""
        digest = _digest(credential)
        self._known[digest] = None
        _keep(self._known, digest, MAX_KNOWN)


def _address_of(request: Request) -> str:
    """Whose bucket it is: an IPv4 address, or the network that one customer has of IPv6."""
    host = request.client.host if request.client else ""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return host
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or IPv6Address(int(address) >> _IPV6_SITE << _IPV6_SITE)
    return str(address)


@contextmanager
def watched(request: Request, credential: str) -> Iterator[None]:
    """A credential is tried inside the block: ``Unauthenticated`` counts as a failure of its address.

    Raises:
        TooMany: there were too many from this address.
    """
    failures, address = _of(request), _address_of(request)
    failures.check(address, credential)
    try:
        yield
    except Unauthenticated as error:
        error.quota = failures.failed(address)
        raise
    failures.succeeded(credential)


def _of(request: Request) -> Throttle:
    found: Throttle = request.app.state.throttle
    return found


def _keep(entries: "OrderedDict[str, float] | OrderedDict[bytes, None]", key: str | bytes, most: int) -> None:
    entries.move_to_end(key)  # type: ignore[arg-type]
    while len(entries) > most:
        entries.popitem(last=False)


def _digest(credential: str) -> bytes:
    return sha256(credential.encode(errors="replace")).digest()
