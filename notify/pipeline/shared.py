"""What this process shares with all other workers: the circuits and lines of providers."""

import os
from functools import lru_cache

from notify import settings
from notify.transport import Breaker, BreakerPolicy, Limits, Shared, Watched

_REDIS = ("redis://", "rediss://", "unix://", "sentinel://")


def breaker() -> Breaker:
    """The circuits of all providers."""
    return _breaker(os.getpid())


def limits() -> Limits:
    """The lines of all rate-limited providers."""
    return _limits(os.getpid())


def forget() -> None:
    """Have the process connect anew (in tests)."""
    if _shared.cache_info().currsize:
        _shared(os.getpid()).close()
    for made in (_shared, _breaker, _limits):
        made.cache_clear()


@lru_cache(maxsize=1)
def _shared(_pid: int) -> Shared:
    """The process's way to Redis; a forked worker makes its own."""
    config = settings.load()
    url = config.cache_url or (config.broker_url if config.broker_url.startswith(_REDIS) else None)
    password = config.sentinel_password
    watched = Watched(
        master=config.sentinel_master, password=password.get_secret_value() if password else None
    )
    return Shared(url, watched)


@lru_cache(maxsize=1)
def _breaker(pid: int) -> Breaker:
    config = settings.load()
    policy = BreakerPolicy(
        threshold=config.breaker_threshold, window_s=config.breaker_window_s, open_s=config.breaker_open_s
    )
    return Breaker(_shared(pid), policy)


@lru_cache(maxsize=1)
def _limits(pid: int) -> Limits:
    config = settings.load()
    # Twice the dispatcher's interval: what it lets in lasts until its next pass, even if that comes late.
    return Limits(_shared(pid), ahead_s=config.limit_ahead_s, near_s=2 * config.dispatch_every_s)
