"""Hot reads (API keys, providers, published templates), kept per process.

``config_version`` grows with every change, in the change's own transaction. A stage compares it once per
batch, so a send that follows a change always sees it; whoever does not compare sees it after ``MAX_AGE_S``.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import text

from notify.store.db import Tx

T = TypeVar("T")

MAX_AGE_S = 5.0
MAX_ENTRIES = 10_000

_entries: OrderedDict[Hashable, tuple[float, Any]] = OrderedDict()
_lock = Lock()
_version = 0

_READ = text("SELECT version FROM config_version")
_BUMP = text("UPDATE config_version SET version = version + 1")


def refresh(tx: Tx) -> None:
    """Forget everything if anything has changed since the last look."""
    global _version
    version = tx.execute(_READ).scalar_one()
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
    value = load()
    if value is not None:
        with _lock:
            _entries[key] = (time.monotonic() + MAX_AGE_S, value)
            if len(_entries) > MAX_ENTRIES:
                _entries.popitem(last=False)
    return value


def clear() -> None:
    """Forget everything (after a fork, or in tests)."""
    global _version
    with _lock:
        _entries.clear()
        _version = 0
