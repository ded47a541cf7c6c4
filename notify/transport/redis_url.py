"""From a URL to a client of Redis or Valkey: plain, TLS, a Unix socket, or a primary that Sentinels watch.

``sentinel://:password@one:26379/0;sentinel://two:26379``: one URL per Sentinel, as Celery reads them. User,
password and database are those of the servers behind; the first URL gives them.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from redis import Redis
from redis.sentinel import Sentinel

_PORT = 26379


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What the URL of a Sentinel does not say: the name of the primary, and the Sentinels' own password."""

    master: str
    password: str | None


def connect(url: str, watched: Watched, *, timeout_s: float) -> Redis:
    """A client; connects at first use, and to whichever server is the primary then."""
    patience: dict[str, Any] = {"socket_timeout": timeout_s, "socket_connect_timeout": timeout_s}
    if not url.startswith("sentinel://"):
        return Redis.from_url(url, **patience)
    first, *others = (urlsplit(one) for one in url.split(";"))
    addresses = [(one.hostname or "localhost", one.port or _PORT) for one in (first, *others)]
    asking = {"password": watched.password, **patience}
    sentinels = Sentinel(addresses, sentinel_kwargs=asking)  # type: ignore[no-untyped-call]
    found: Redis = sentinels.master_for(  # type: ignore[no-untyped-call]
        watched.master,
        db=int(first.path.strip("/") or 0),
        username=unquote(first.username) if first.username else None,
        password=unquote(first.password) if first.password else None,
        **patience,
    )
    return found
