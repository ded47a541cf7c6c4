"""Tenants' own templates: versions that only grow, one of them published."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from notify.model.names import World
from notify.store import bulk, cache
from notify.store.db import Tx
from notify.store.tables import tenant_template, tenant_template_version


class Key(NamedTuple):
    """Which tenant's template it is."""

    world: World
    tenant_id: str
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantTemplate:
    """``latest``: the number of the newest version; ``payload`` is that of the version that was asked for."""

    key: Key
    latest: int
    version: int
    payload: dict[str, Any]
    published_version: int | None
    published_at: datetime | None
    created_at: datetime
    updated_at: datetime


_t, _v = tenant_template, tenant_template_version
_SAME = (_v.c.world == _t.c.world) & (_v.c.tenant_id == _t.c.tenant_id) & (_v.c.id == _t.c.id)
_LATEST = select(func.max(_v.c.version)).where(_SAME).correlate(_t).scalar_subquery()


def _of(key: Key) -> Any:
    return (_t.c.world == key.world) & (_t.c.tenant_id == key.tenant_id) & (_t.c.id == key.id)


def _query(version: Any) -> Any:
    columns = (*_t.c, _v.c.version, _v.c.payload, _LATEST.label("latest"))
    return select(*columns).join(_v, _SAME & (_v.c.version == version))


def _read(row: Any) -> TenantTemplate:
    return TenantTemplate(
        key=Key(World(row.world), row.tenant_id, row.id),
        latest=row.latest,
        version=row.version,
        payload=row.payload,
        published_version=row.published_version,
        published_at=row.published_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def put(tx: Tx, key: Key, payload: dict[str, Any]) -> tuple[int, bool]:
    """Store a new version; its number, and whether the template is new."""
    statement = insert(_t).values(**key._asdict())
    updating = statement.on_conflict_do_update(
        index_elements=["world", "tenant_id", "id"], set_={"updated_at": func.now()}
    )
    # The row is locked by now, so the number is nobody else's.
    tx.execute(updating)
    newest = select(func.coalesce(func.max(_v.c.version), 0)).where(
        _v.c.world == key.world, _v.c.tenant_id == key.tenant_id, _v.c.id == key.id
    )
    version = int(tx.execute(newest).scalar_one()) + 1
    tx.execute(_v.insert().values(**key._asdict(), version=version, payload=payload))
    cache.changed(tx)
    return version, version == 1


def publish(tx: Tx, key: Key, version: int, at: datetime) -> None:
    """Have sends go by this version."""
    values = {"published_version": version, "published_at": at, "updated_at": at}
    tx.execute(update(_t).where(_of(key)).values(values))
    cache.changed(tx)


def get(tx: Tx, key: Key, version: int | None = None) -> TenantTemplate | None:
    """A version of a template; None: the newest."""
    row = tx.execute(_query(_LATEST if version is None else version).where(_of(key))).one_or_none()
    return _read(row) if row else None


def find(tx: Tx, world: World, tenant_id: str, *, after: str | None, limit: int) -> list[TenantTemplate]:
    """A tenant's templates, by id: of each what is published, or else its newest version."""
    shown = func.coalesce(_t.c.published_version, _LATEST)
    query = _query(shown).where(_t.c.world == world, _t.c.tenant_id == tenant_id)
    if after is not None:
        query = query.where(_t.c.id > after)
    return [_read(row) for row in tx.execute(query.order_by(_t.c.id).limit(limit))]


def delete(tx: Tx, key: Key) -> bool:
    """Whether there was one."""
    same = (_v.c.world == key.world) & (_v.c.tenant_id == key.tenant_id) & (_v.c.id == key.id)
    tx.execute(sql_delete(_v).where(same))
    done = tx.execute(sql_delete(_t).where(_of(key))).rowcount > 0
    cache.changed(tx)
    return done


@dataclass(frozen=True, slots=True, kw_only=True)
class Sendable:
    """``draft``: the newest version; ``published``: None when there is none yet."""

    draft: dict[str, Any]
    published: dict[str, Any] | None


_WANTED = text("""
    SELECT t.world, t.tenant_id, t.id, draft.payload AS draft, published.payload AS published
    FROM json_to_recordset(CAST(:rows AS json)) AS r(world text, tenant_id text, id text)
    JOIN tenant_template t ON t.world = r.world AND t.tenant_id = r.tenant_id AND t.id = r.id
    JOIN LATERAL (
      SELECT payload FROM tenant_template_version v
      WHERE v.world = t.world AND v.tenant_id = t.tenant_id AND v.id = t.id ORDER BY version DESC LIMIT 1
    ) draft ON true
    LEFT JOIN tenant_template_version published ON published.world = t.world AND published.id = t.id
      AND published.tenant_id = t.tenant_id AND published.version = t.published_version
""")


def sendable(tx: Tx, wanted: Collection[Key]) -> dict[Key, Sendable]:
    """What tenants have of these templates; cached, that they have nothing as well."""

    def load(missing: Collection[Key]) -> dict[Key, Sendable]:
        rows = bulk.dumps([key._asdict() for key in missing])
        return {
            Key(World(row.world), row.tenant_id, row.id): Sendable(draft=row.draft, published=row.published)
            for row in tx.execute(_WANTED, {"rows": rows})
        }

    return cache.get_many("tenant template", wanted, load)
