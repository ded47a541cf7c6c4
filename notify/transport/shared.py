"""What workers must agree on within milliseconds: small scripts that run in Redis or Valkey, atomically.

In: a script with its keys and arguments. Out: its answer, or None when nobody answers: whoever asks then does
without, since sends must not stop for it. Messages and their fate never live here.
"""

import time
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from redis import Redis
from redis.commands.core import Script
from redis.exceptions import RedisError

from notify import log
from notify.transport.redis_url import Watched, connect

_TIMEOUT_S = 0.5
_PAUSE_S = 5.0
_UNWATCHED = Watched(master="", password=None)
_log = log.get(__name__)


class Shared:
    """One per process; connects at first use. Without a URL nobody ever answers."""

    def __init__(self, url: str | None, watched: Watched = _UNWATCHED) -> None:
        self._url = url
        self._watched = watched
        self._scripts: dict[str, Script] = {}
        self._silent_until = 0.0

    @cached_property
    def _client(self) -> Redis:
        return connect(str(self._url), self._watched, timeout_s=_TIMEOUT_S)

    def run(self, source: str, key: str, arguments: Sequence[int | str]) -> Any | None:
        """The script's answer. After a failure nothing is asked for a few seconds, so that nobody waits."""
        if self._url is None or time.monotonic() < self._silent_until:
            return None
        try:
            return self._script(source)(keys=[key], args=list(arguments))
        except (RedisError, OSError) as error:
            self._silent_until = time.monotonic() + _PAUSE_S
            _log.warning("shared.away", error=type(error).__name__)
            return None

    def hashes(self, keys: Sequence[str]) -> list[dict[str, str]] | None:
        """What is kept under each of these keys, for those who watch; None when nobody answers."""
        if self._url is None or time.monotonic() < self._silent_until:
            return None
        try:
            pipeline = self._client.pipeline(transaction=False)
            for key in keys:
                pipeline.hgetall(key)
            return [_decoded(found) for found in pipeline.execute()]
        except (RedisError, OSError):
            return None

    def _script(self, source: str) -> Script:
        if source not in self._scripts:
            self._scripts[source] = self._client.register_script(source)
        return self._scripts[source]

    def close(self) -> None:
        """Close the connections; a later ``run`` opens new ones."""
        if self._url is not None:
            self._client.close()


def _decoded(found: dict[bytes, bytes]) -> dict[str, str]:
    return {key.decode(): value.decode() for key, value in found.items()}
