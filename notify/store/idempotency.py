"""Idempotency keys: the first call under a key wins, its answer is kept until the key expires."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text

from notify.model.names import Mode, World
from notify.store import bulk, tables
from notify.store.db import Tx

MAX_KEY_LENGTH = 255


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Key:
    """``scope``: method and path; the same key on another endpoint is another key."""

    world: World
    scope: str
    key: str

    @classmethod
    def of(cls, world: World, mode: Mode, scope: str, key: str) -> "Key":
        """Mock sends have keys of their own: a rehearsal must not stand in for the real call."""
        return cls(world=world, scope=f"mock {scope}" if mode is Mode.MOCK else scope, key=key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A stored answer; ``status`` None: the first call is still under way."""

    status: int | None
    body: Any = None


_COLUMNS = ("world", "scope", "key", "status", "body", "expires_at")
_RESERVE = text(f"""
    INSERT INTO idempotency (world, scope, key, status, body, expires_at)
    SELECT world, scope, key, status, body, expires_at FROM {bulk.recordset(tables.idempotency, _COLUMNS)}
    ORDER BY world, scope, key
    ON CONFLICT (world, scope, key) DO UPDATE
      SET status = excluded.status, body = excluded.body, expires_at = excluded.expires_at, created_at = now()
      WHERE idempotency.expires_at <= now()
        OR (idempotency.status IS NULL AND idempotency.created_at < now() - interval '1 minute')
    RETURNING world, scope, key
""")


def reserve(tx: Tx, wanted: Sequence[tuple[Key, Answer, datetime]]) -> set[Key]:
    """Take the keys (each with its answer, if known yet, and its expiry); return those that were free.

    Waits for other transactions that hold one of them. A call that died without an answer frees its key
    after a minute.
    """
    if not wanted:
        return set()
    rows = [
        {
            "world": key.world,
            "scope": key.scope,
            "key": key.key,
            "status": answer.status,
            "body": answer.body,
            "expires_at": expires_at,
        }
        for key, answer, expires_at in wanted
    ]
    taken = tx.execute(_RESERVE, {"rows": bulk.dumps(rows)})
    return {Key(world=World(row.world), scope=row.scope, key=row.key) for row in taken}


_ANSWERS = text(f"""
    SELECT world, scope, key, i.status, i.body
    FROM {bulk.recordset(tables.idempotency, ("world", "scope", "key"))}
    JOIN idempotency i USING (world, scope, key)
""")


def answers(tx: Tx, keys: Sequence[Key]) -> dict[Key, Answer]:
    """What is stored under these keys."""
    if not keys:
        return {}
    rows = [{"world": key.world, "scope": key.scope, "key": key.key} for key in keys]
    return {
        Key(world=World(row.world), scope=row.scope, key=row.key): Answer(status=row.status, body=row.body)
        for row in tx.execute(_ANSWERS, {"rows": bulk.dumps(rows)})
    }


_OF_KEY = "WHERE world = :world AND scope = :scope AND key = :key"
_STORE = text(f"UPDATE idempotency SET status = :status, body = CAST(:body AS jsonb) {_OF_KEY}")
_RELEASE = text(f"DELETE FROM idempotency {_OF_KEY} AND status IS NULL")


def store(tx: Tx, key: Key, status: int, body: bytes) -> None:
    """Keep the answer (its JSON) of the call that reserved ``key``."""
    values = {"world": key.world, "scope": key.scope, "key": key.key}
    tx.execute(_STORE, {**values, "status": status, "body": body.decode() or "null"})


def release(tx: Tx, key: Key) -> None:
    """Free a key whose call left nothing worth keeping."""
    tx.execute(_RELEASE, {"world": key.world, "scope": key.scope, "key": key.key})


_EXPIRED = text("""
    DELETE FROM idempotency WHERE ctid IN (
      SELECT ctid FROM idempotency WHERE expires_at <= now() LIMIT :size FOR UPDATE SKIP LOCKED
    )
""")


def drop_expired(tx: Tx, size: int) -> int:
    """Delete at most ``size`` expired keys; return how many."""
    return tx.execute(_EXPIRED, {"size": size}).rowcount
