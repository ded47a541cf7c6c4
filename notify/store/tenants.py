"""Tenants and the defaults of their topics."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from notify.model.names import World
from notify.store import bulk, cache
from notify.store.db import Tx
from notify.store.tables import tenant, tenant_preference


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicDefault:
    """What a tenant's users have of a topic until they say otherwise. ``status`` in the API's words."""

    topic_id: str
    status: str
    has_custom_routing: bool | None = None
    custom_routing: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTenant:
    """Without what it has from its ancestors; see ``tenant_lines``."""

    id: str
    name: str
    parent_id: str | None
    brand_id: str | None
    properties: dict[str, Any] | None
    user_profile: dict[str, Any] | None
    defaults: Sequence[TopicDefault] = field(default=())


_SHOWN = ("id", "name", "parent_id", "brand_id", "properties", "user_profile")
_COLUMNS = tuple(tenant.c[name] for name in _SHOWN)


def get(tx: Tx, world: World, id_: str) -> StoredTenant | None:
    found = _with_defaults(tx, world, select(*_COLUMNS).where(tenant.c.world == world, tenant.c.id == id_))
    return found[0] if found else None


def find(tx: Tx, world: World, *, parent: str | None, after: str | None, limit: int) -> list[StoredTenant]:
    """Tenants by id; only the direct children of ``parent``, if it is given."""
    query = select(*_COLUMNS).where(tenant.c.world == world)
    if parent is not None:
        query = query.where(tenant.c.parent_id == parent)
    if after is not None:
        query = query.where(tenant.c.id > after)
    return _with_defaults(tx, world, query.order_by(tenant.c.id).limit(limit))


def _with_defaults(tx: Tx, world: World, query: Any) -> list[StoredTenant]:
    rows = tx.execute(query).all()
    by_tenant = defaults(tx, world, [row.id for row in rows])
    return [StoredTenant(**row._mapping, defaults=by_tenant.get(row.id, ())) for row in rows]


def exists(tx: Tx, world: World, id_: str) -> bool:
    """Whether there is such a tenant; it stays until this transaction ends."""
    query = select(tenant.c.id).where(tenant.c.world == world, tenant.c.id == id_)
    return tx.execute(query.with_for_update(read=True, key_share=True)).first() is not None


_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('tenants ' || :world, 0))")


def hold_tree(tx: Tx, world: World) -> None:
    """Nobody else changes who is above whom before this transaction ends."""
    tx.execute(_ONE_AT_A_TIME, {"world": world})


def put(tx: Tx, world: World, new: StoredTenant) -> bool:
    """Create or replace, but for the defaults of its topics; whether it is new."""
    values = {name: getattr(new, name) for name in _SHOWN[1:]}
    statement = insert(tenant).values(world=world, id=new.id, **values)
    replacing = statement.on_conflict_do_update(
        index_elements=["world", "id"], set_={**values, "updated_at": func.now()}
    )
    return bool(tx.execute(replacing.returning(text("xmax = 0"))).scalar_one())


_REMOVE = tuple(
    text(statement)
    for statement in (
        "DELETE FROM tenant_member WHERE world = :world AND tenant_id = :id",
        "DELETE FROM tenant_preference WHERE world = :world AND tenant_id = :id",
        "DELETE FROM tenant_template_version WHERE world = :world AND tenant_id = :id",
        "DELETE FROM tenant_template WHERE world = :world AND tenant_id = :id",
        "DELETE FROM user_preference WHERE world = :world AND tenant_id = :id AND tenant_id <> ''",
        "UPDATE tenant SET parent_id = NULL, updated_at = now() WHERE world = :world AND parent_id = :id",
    )
)
_REMOVE_ITSELF = text("DELETE FROM tenant WHERE world = :world AND id = :id")


def remove(tx: Tx, world: World, id_: str) -> bool:
    """Delete it with all that is its own; its children become roots. Whether there was one."""
    names = {"world": world, "id": id_}
    if not tx.execute(_REMOVE_ITSELF, names).rowcount:
        return False
    for statement in _REMOVE:
        tx.execute(statement, names)
    cache.changed(tx)
    return True


# --- defaults of topics


_DEFAULTS = text("""
    SELECT tenant_id, topic_id, status, has_custom_routing, custom_routing FROM tenant_preference
    WHERE world = :world AND tenant_id = ANY(:ids) ORDER BY tenant_id, topic_id
""")


def defaults(tx: Tx, world: World, ids: Sequence[str]) -> dict[str, list[TopicDefault]]:
    """The defaults of these tenants, without those of their ancestors."""
    found: dict[str, list[TopicDefault]] = {}
    for row in tx.execute(_DEFAULTS, {"world": world, "ids": list(ids)}) if ids else ():
        columns = {name: value for name, value in row._mapping.items() if name != "tenant_id"}
        found.setdefault(row.tenant_id, []).append(TopicDefault(**columns))
    return found


_OTHERS = text("""
    DELETE FROM tenant_preference
    WHERE world = :world AND tenant_id = :id AND topic_id <> ALL(CAST(:topics AS text[]))
""")
_NAMES = ("world", "tenant_id", "topic_id", "status", "has_custom_routing", "custom_routing")
_PUT = text(f"""
    INSERT INTO tenant_preference ({", ".join(_NAMES)})
    SELECT {", ".join(_NAMES)} FROM {bulk.recordset(tenant_preference, _NAMES)}
    ON CONFLICT (world, tenant_id, topic_id) DO UPDATE
    SET status = excluded.status, has_custom_routing = excluded.has_custom_routing,
      custom_routing = excluded.custom_routing
""")


def replace_defaults(tx: Tx, world: World, id_: str, items: Mapping[str, TopicDefault]) -> None:
    """Make these the tenant's only defaults, by topic."""
    tx.execute(_OTHERS, {"world": world, "id": id_, "topics": list(items)})
    put_defaults(tx, world, id_, list(items.values()))


def put_defaults(tx: Tx, world: World, id_: str, items: Sequence[TopicDefault]) -> None:
    """Add defaults, or replace them."""
    rows = [
        {
            "world": world,
            "tenant_id": id_,
            "topic_id": one.topic_id,
            "status": one.status,
            "has_custom_routing": one.has_custom_routing,
            "custom_routing": None if one.custom_routing is None else list(one.custom_routing),
        }
        for one in sorted(items, key=lambda item: item.topic_id)
    ]
    if rows:
        tx.execute(_PUT, {"rows": bulk.dumps(rows)})


_DROP = text(
    "DELETE FROM tenant_preference WHERE world = :world AND tenant_id = :id AND topic_id = :topic_id"
)


def drop_default(tx: Tx, world: World, id_: str, topic_id: str) -> bool:
    """Whether there was one."""
    return tx.execute(_DROP, {"world": world, "id": id_, "topic_id": topic_id}).rowcount > 0
