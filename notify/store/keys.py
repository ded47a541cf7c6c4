"""API keys: only their SHA-256 is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update

from notify.model.names import Mode, World
from notify.store import cache
from notify.store.db import Tx
from notify.store.tables import api_key


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """``hint``: the key's beginning, enough to recognise it."""

    id: UUID
    world: World
    name: str
    hint: str
    kind: Mode
    created_at: datetime
    revoked_at: datetime | None


_COLUMNS = (
    api_key.c.id, api_key.c.world, api_key.c.name, api_key.c.hint, api_key.c.kind, api_key.c.created_at,
    api_key.c.revoked_at,
)  # fmt: skip


def _read(row: Any) -> StoredKey:
    return StoredKey(**{**row._mapping, "world": World(row.world), "kind": Mode(row.kind)})


def create(tx: Tx, id_: UUID, world: World, kind: Mode, *, name: str, digest: bytes, hint: str) -> None:
    values = {"id": id_, "world": world, "kind": kind, "name": name, "digest": digest, "hint": hint}
    tx.execute(insert(api_key).values(values))


def valid(tx: Tx, digest: bytes) -> StoredKey | None:
    """The key with this digest, unless it is revoked."""
    query = select(*_COLUMNS).where(api_key.c.digest == digest, api_key.c.revoked_at.is_(None))
    row = tx.execute(query).one_or_none()
    return _read(row) if row else None


def find(tx: Tx) -> Sequence[StoredKey]:
    """All keys, revoked ones included, oldest first."""
    return [_read(row) for row in tx.execute(select(*_COLUMNS).order_by(api_key.c.created_at))]


def revoke(tx: Tx, id_: UUID) -> bool:
    """Revoke; False when there is no such key in force."""
    query = update(api_key).where(api_key.c.id == id_, api_key.c.revoked_at.is_(None))
    done = tx.execute(query.values(revoked_at=func.now())).rowcount > 0
    cache.changed(tx)
    return done
