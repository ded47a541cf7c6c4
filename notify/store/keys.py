"""API keys: only their SHA-256 is stored."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text, update

from notify.model.names import Mode, World
from notify.model.scopes import EVERYTHING, KeyScope
from notify.store import cache
from notify.store.db import Tx
from notify.store.tables import api_key


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """``hint``: the key's beginning, enough to recognise it. ``last_used_at``: to the minute."""

    id: UUID
    world: World
    name: str
    hint: str
    kind: Mode
    created_at: datetime
    revoked_at: datetime | None
    scopes: frozenset[KeyScope] = EVERYTHING
    expires_at: datetime | None = None
    last_used_at: datetime | None = None


_NAMES = (
    "id", "world", "name", "hint", "kind", "created_at", "revoked_at", "scopes", "expires_at", "last_used_at",
)  # fmt: skip
_COLUMNS = tuple(api_key.c[name] for name in _NAMES)


def _read(row: Any) -> StoredKey:
    known = frozenset(KeyScope) & frozenset(row.scopes)
    return StoredKey(
        **{**row._mapping, "world": World(row.world), "kind": Mode(row.kind), "scopes": frozenset(known)}
    )


def create(
    tx: Tx,
    id_: UUID,
    world: World,
    kind: Mode,
    *,
    name: str,
    digest: bytes,
    hint: str,
    scopes: Iterable[KeyScope] = EVERYTHING,
    expires_at: datetime | None = None,
) -> None:
    values = {"id": id_, "world": world, "kind": kind, "name": name, "digest": digest, "hint": hint}
    kept = {"scopes": sorted(scopes), "expires_at": expires_at}
    tx.execute(insert(api_key).values(**values, **kept))


# That it was used is written by whoever asks anyway, at most once a minute.
_VALID = text(f"""
    WITH found AS (
      SELECT {", ".join(_NAMES)} FROM api_key
      WHERE digest = :digest AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
    ), used AS (
      UPDATE api_key SET last_used_at = now() FROM found
      WHERE api_key.id = found.id
        AND (found.last_used_at IS NULL OR found.last_used_at < now() - interval '1 minute')
    )
    SELECT * FROM found
""")


def valid(tx: Tx, digest: bytes) -> StoredKey | None:
    """The key with this digest, unless it is revoked or has expired; it counts as used."""
    row = tx.execute(_VALID, {"digest": digest}).one_or_none()
    return _read(row) if row else None


def find(
    tx: Tx, world: World | None = None, *, after: UUID | None = None, limit: int | None = None
) -> Sequence[StoredKey]:
    """Keys (of a world), revoked ones included, oldest first: at most ``limit`` of those ``after`` one."""
    query = select(*_COLUMNS).order_by(api_key.c.id).limit(limit)
    if world is not None:
        query = query.where(api_key.c.world == world)
    if after is not None:
        query = query.where(api_key.c.id > after)
    return [_read(row) for row in tx.execute(query)]


def get(tx: Tx, world: World, id_: UUID) -> StoredKey | None:
    """The key of this world with this id, revoked or not."""
    query = select(*_COLUMNS).where(api_key.c.id == id_, api_key.c.world == world)
    row = tx.execute(query).one_or_none()
    return _read(row) if row else None


def in_force(tx: Tx, id_: UUID) -> StoredKey | None:
    """The key with this id, unless it is revoked or has expired."""
    query = select(*_COLUMNS).where(api_key.c.id == id_, api_key.c.revoked_at.is_(None), _not_expired())
    row = tx.execute(query).one_or_none()
    return _read(row) if row else None


def hold(tx: Tx, id_: UUID) -> StoredKey | None:
    """The key with this id, in force, and nobody changes it before this transaction ends."""
    in_force = (api_key.c.revoked_at.is_(None), _not_expired())
    query = select(*_COLUMNS).where(api_key.c.id == id_, *in_force).with_for_update()
    row = tx.execute(query).one_or_none()
    return _read(row) if row else None


def _not_expired() -> Any:
    return api_key.c.expires_at.is_(None) | (api_key.c.expires_at > func.now())


def revoke(tx: Tx, id_: UUID) -> None:
    """Refuse the key from now on."""
    tx.execute(update(api_key).where(api_key.c.id == id_).values(revoked_at=func.now()))
    cache.changed(tx)


def expire(tx: Tx, id_: UUID, at: datetime) -> None:
    """Refuse the key from ``at`` on."""
    tx.execute(update(api_key).where(api_key.c.id == id_).values(expires_at=at))
    cache.changed(tx)
