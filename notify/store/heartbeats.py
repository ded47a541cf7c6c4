"""Signs of life: when a periodic pass last ran, and what it had to say."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import text

from notify.store.db import Tx

DISPATCH = "dispatch"
RETENTION = "retention"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """``at``: by the database's clock. ``age_s``: how long ago that was when it was read."""

    name: str
    at: datetime
    age_s: float
    detail: dict[str, Any]


_BEAT = text("""
    INSERT INTO heartbeat (name, at, detail) VALUES (:name, clock_timestamp(), CAST(:detail AS jsonb))
    ON CONFLICT (name) DO UPDATE SET at = excluded.at, detail = excluded.detail
""")


def beat(tx: Tx, name: str, detail: Mapping[str, Any] | None = None) -> None:
    """``name`` is alive."""
    tx.execute(_BEAT, {"name": name, "detail": orjson.dumps(detail or {}).decode()})


_FIND = text("""
    SELECT name, at, extract(epoch FROM clock_timestamp() - at)::float AS age_s, detail FROM heartbeat
    WHERE name LIKE :prefix || '%' ORDER BY name
""")


def find(tx: Tx, prefix: str = "") -> dict[str, Heartbeat]:
    """All whose name begins so, by name."""
    return {row.name: Heartbeat(**row._mapping) for row in tx.execute(_FIND, {"prefix": prefix})}
