"""Redis or Valkey as an operator has to know it: what it is, how full it may get, whether it forgets."""

from dataclasses import dataclass
from datetime import UTC, datetime

from redis.exceptions import RedisError

from notify.transport.redis_url import Watched, connect

_TIMEOUT_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServer:
    """``persistence``: it comes back with what it held. ``used``: of ``maxmemory``, bytes; 0: no limit."""

    version: str
    now: datetime
    eviction: str
    persistence: bool
    used: int
    maxmemory: int


def redis_server(url: str, watched: Watched) -> RedisServer | None:
    """The server behind ``url``; None when it cannot be reached or says nothing of itself."""
    client = connect(url, watched, timeout_s=_TIMEOUT_S)
    try:
        info = client.info()
        seconds, microseconds = client.time()
    except (RedisError, OSError):
        return None
    finally:
        client.close()
    # Managed services often forbid CONFIG; INFO tells all of it.
    return RedisServer(
        version=str(info.get("valkey_version") or info.get("redis_version")),
        now=datetime.fromtimestamp(seconds + microseconds / 1e6, UTC),
        eviction=str(info.get("maxmemory_policy", "unknown")),
        persistence=bool(info.get("aof_enabled")),
        used=int(info.get("used_memory", 0)),
        maxmemory=int(info.get("maxmemory", 0)),
    )
