"""Tokens of users' devices; push goes to those that are active or unknown and have not expired."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, select, text

from notify.model.names import World
from notify.store import bulk
from notify.store.db import Tx
from notify.store.tables import user_token


class TokenStatus(StrEnum):
    """The reference's words. ``failed``: its provider said that it is dead."""

    ACTIVE = "active"
    UNKNOWN = "unknown"
    FAILED = "failed"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """``expires_at`` None: never."""

    token: str
    user_id: str
    provider_key: str
    status: TokenStatus = TokenStatus.ACTIVE
    status_reason: str | None = None
    device: dict[str, Any] | None = None
    tracking: dict[str, Any] | None = None
    properties: Any = None
    expires_at: datetime | None = None


_NAMES = (
    "token", "user_id", "provider_key", "status", "status_reason", "device", "tracking", "properties",
    "expires_at",
)  # fmt: skip
_COLUMNS = tuple(user_token.c[name] for name in _NAMES)


def _read(row: Any) -> StoredToken:
    return StoredToken(**{**row._mapping, "status": TokenStatus(row.status)})


def of_user(tx: Tx, world: World, user_id: str, limit: int) -> list[StoredToken]:
    """The user's tokens, those that cannot be used included, the newest first."""
    query = select(*_COLUMNS).where(user_token.c.world == world, user_token.c.user_id == user_id)
    rows = tx.execute(query.order_by(user_token.c.updated_at.desc(), user_token.c.token).limit(limit))
    return [_read(row) for row in rows]


def get(tx: Tx, world: World, user_id: str, token: str, *, lock: bool = False) -> StoredToken | None:
    query = select(*_COLUMNS).where(
        user_token.c.world == world, user_token.c.token == token, user_token.c.user_id == user_id
    )
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return _read(row) if row else None


_SET = ", ".join(f"{name} = excluded.{name}" for name in _NAMES[1:])
_PUT = text(f"""
    INSERT INTO user_token (world, {", ".join(_NAMES)})
    SELECT world, {", ".join(_NAMES)} FROM {bulk.recordset(user_token, ("world", *_NAMES))}
    ON CONFLICT (world, token) DO UPDATE SET {_SET}, updated_at = now()
""")


def put(tx: Tx, world: World, tokens: Sequence[StoredToken]) -> None:
    """Add or overwrite; a device that was another user's is its new user's now."""
    rows = [{"world": world, **{name: getattr(one, name) for name in _NAMES}} for one in tokens]
    if rows:
        tx.execute(_PUT, {"rows": bulk.dumps(sorted(rows, key=lambda row: str(row["token"])))})


def remove(tx: Tx, world: World, user_id: str, token: str) -> bool:
    """Whether there was one."""
    query = delete(user_token).where(
        user_token.c.world == world, user_token.c.token == token, user_token.c.user_id == user_id
    )
    return tx.execute(query).rowcount > 0
