"""Hot reads (API keys, providers, published templates), kept per process.

``config_version`` grows with every change, in the change's own transaction. A stage compares it once per
batch, so a send that follows a change always sees it; whoever does not compare sees it after ``MAX_AGE_S``.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Hashable, Mapping
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import text

from notify.store.db import Tx

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

MAX_AGE_S = 5.0
MAX_ENTRIES = 10_000

_entries: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
_lock = Lock()
_version = 0

_READ = text("SELECT version FROM config_version")
_BUMP = text("UPDATE config_version SET version = version + 1")


def refresh(tx: Tx) -> None:
    """Forget everything if anything has changed since the last look."""
    see(tx.execute(_READ).scalar_one())


def see(version: int) -> None:
    """Forget everything if this version of the configuration is news."""
    global _version
    with _lock:
        if version != _version:
            _entries.clear()
            _version = version


def changed(tx: Tx) -> None:
    """Tell every process that something cached changes with this transaction."""
    tx.execute(_BUMP)


def peek(key: Hashable) -> Any | None:
    """The cached value of ``key``, or None."""
    with _lock:
        found = _entries.get(key)
        if found is None or found[0] <= time.monotonic():
            return None
        _entries.move_to_end(key)
        return found[1]


def get(key: Hashable, load: Callable[[], T | None]) -> T | None:
    """The cached value of ``key``, else what ``load`` returns. What is not there is not remembered."""
    if (found := peek(key)) is not None:
        return found  # type: ignore[no-any-return]
    before = _version
    value = load()
    if value is not None:
        _keep({key: value}, before)
    return value


def get_many(kind: str, keys: Collection[K], load: Callable[[Collection[K]], Mapping[K, T]]) -> dict[K, T]:
    """The cached values of ``keys``, and in one call what ``load`` returns for the others.

    What is not there is remembered as well: for things that are seldom there.
    """
    kept: dict[K, tuple[T | None]] = {key: found for key in keys if (found := peek((kind, key))) is not None}
    if missing := [key for key in keys if key not in kept]:
        before = _version
        loaded = load(missing)
        fresh: dict[K, tuple[T | None]] = {key: (loaded.get(key),) for key in missing}
        _keep({(kind, key): value for key, value in fresh.items()}, before)
        kept |= fresh
    return {key: value for key, (value,) in kept.items() if value is not None}


def _keep(values: Mapping[Any, Any], before: int) -> None:
    with _lock:
        # What was read before another thread saw a change may be from before it.
        if before != _version:
            return
        for key, value in values.items():
            _entries[key] = (time.monotonic() + MAX_AGE_S, value)
            if len(_entries) > MAX_ENTRIES:
                _entries.popitem(last=False)


def clear() -> None:
    """Forget everything (after a fork, or in tests)."""
    global _version
    with _lock:
        _entries.clear()
        _version = 0
