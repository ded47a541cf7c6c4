"""Idempotency of calls that are one transaction of their own: reserve before, keep the answer after."""

from datetime import datetime

from notify.store import db, idempotency
from notify.store.idempotency import Answer, Key


def begin(key: Key, expires_at: datetime) -> Answer | None:
    """Take the key; None when it was free, else the earlier call's answer (status None: still under way)."""
    with db.begin() as tx:
        if key in idempotency.reserve(tx, [(key, Answer(status=None), expires_at)]):
            return None
        return idempotency.answers(tx, [key]).get(key, Answer(status=None))


def end(key: Key, status: int, body: bytes) -> None:
    """Keep a success as the key's answer; anything else frees the key."""
    with db.begin() as tx:
        if status < 400:
            idempotency.store(tx, key, status, body)
        else:
            idempotency.release(tx, key)


def release(key: Key) -> None:
    with db.begin() as tx:
        idempotency.release(tx, key)
