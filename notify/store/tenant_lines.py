"""Tenants with their ancestors, for many at once."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import text

from notify.model.names import World
from notify.model.people import Line, Tenant
from notify.store import bulk
from notify.store.db import Tx

MAX_DEPTH = 32
"""Tenants above one another; a guard, since no line is a circle."""

_LOAD = text(f"""
    WITH RECURSIVE line AS (
      SELECT r.world, r.id AS leaf, 0 AS depth, t.id, t.parent_id, t.name, t.brand_id, t.properties,
        t.user_profile
      FROM json_to_recordset(CAST(:rows AS json)) AS r(world text, id text)
      JOIN tenant t ON t.world = r.world AND t.id = r.id
      UNION ALL
      SELECT line.world, line.leaf, depth + 1, t.id, t.parent_id, t.name, t.brand_id, t.properties,
        t.user_profile
      FROM line JOIN tenant t ON t.world = line.world AND t.id = line.parent_id WHERE depth < {MAX_DEPTH}
    )
    SELECT * FROM line ORDER BY depth DESC
""")


def load(tx: Tx, wanted: Collection[tuple[World, str]]) -> dict[tuple[World, str], Line]:
    """The lines of these tenants; one that does not exist is left out."""
    if not wanted:
        return {}
    rows = tx.execute(_LOAD, {"rows": bulk.dumps([{"world": w, "id": id_} for w, id_ in sorted(wanted)])})
    found: dict[tuple[World, str], list[Tenant]] = {}
    for row in rows:
        found.setdefault((World(row.world), row.leaf), []).append(_read(row))
    return {key: Line(tenants) for key, tenants in found.items()}


def _read(row: Any) -> Tenant:
    return Tenant(
        id=row.id,
        name=row.name,
        brand_id=row.brand_id,
        properties=row.properties or {},
        user_profile=row.user_profile or {},
    )


_ABOVE = text(f"""
    WITH RECURSIVE line AS (
      SELECT id, parent_id, 0 AS depth FROM tenant WHERE world = :world AND id = :id
      UNION ALL
      SELECT t.id, t.parent_id, depth + 1
      FROM line JOIN tenant t ON t.world = :world AND t.id = line.parent_id WHERE depth < {MAX_DEPTH}
    )
    SELECT id FROM line ORDER BY depth
""")


def above(tx: Tx, world: World, id_: str) -> list[str]:
    """The tenant and its ancestors, the root last; nothing when there is no such tenant."""
    return list(tx.execute(_ABOVE, {"world": world, "id": id_}).scalars())
