"""Audiences: filters over the stored profiles. Who is in one is found when it is asked for."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg.errors import QueryCanceled
from sqlalchemy import Integer, cast, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError

from notify.model.filters import Filter
from notify.model.names import World
from notify.store.audience_filters import Condition
from notify.store.db import Tx
from notify.store.tables import audience


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """``filter``: as the API has it; None: nobody is in it. ``version`` counts the changes of the filter."""

    id: str
    name: str
    description: str
    filter: dict[str, Any] | None
    version: int
    created_at: datetime
    updated_at: datetime


COUNTED_WITHIN_S = 10
_IN_TIME = text(f"SET LOCAL statement_timeout TO '{COUNTED_WITHIN_S}s'")
_IN_ANY = text("SET LOCAL statement_timeout TO DEFAULT")
_NAMES = ("id", "name", "description", "filter", "version", "created_at", "updated_at")
_COLUMNS = tuple(audience.c[name] for name in _NAMES)


def get(tx: Tx, world: World, id_: str, *, lock: bool = False) -> Audience | None:
    query = select(*_COLUMNS).where(audience.c.world == world, audience.c.id == id_)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return Audience(**row._mapping) if row else None


def find(tx: Tx, world: World, *, after: str | None, limit: int) -> list[Audience]:
    """Audiences by id."""
    query = select(*_COLUMNS).where(audience.c.world == world)
    if after is not None:
        query = query.where(audience.c.id > after)
    return [Audience(**row._mapping) for row in tx.execute(query.order_by(audience.c.id).limit(limit))]


def put(
    tx: Tx, world: World, id_: str, *, name: str, description: str, filter_: dict[str, Any] | None
) -> Audience:
    """Create or replace; its version grows when its filter changes."""
    given = {"name": name, "description": description, "filter": filter_}
    statement = insert(audience).values(world=world, id=id_, **given)
    changed = audience.c.filter.is_distinct_from(statement.excluded.filter)
    version = audience.c.version + cast(changed, Integer)
    values = {**given, "version": version, "updated_at": func.now()}
    replacing = statement.on_conflict_do_update(index_elements=["world", "id"], set_=values)
    return Audience(**tx.execute(replacing.returning(*_COLUMNS)).one()._mapping)


def remove(tx: Tx, world: World, id_: str) -> bool:
    """For good; whether there was one."""
    return tx.execute(delete(audience).where(audience.c.world == world, audience.c.id == id_)).rowcount > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """``users``: those with a stored profile. ``matching``: those of them who match."""

    users: int
    matching: int


def count(tx: Tx, world: World, node: Filter) -> Count | None:
    """How many match; None where it cannot be told within ``COUNTED_WITHIN_S``."""
    condition = Condition(node)
    query = text(f"""
        SELECT count(*) AS users, count(*) FILTER (WHERE {condition.sql}) AS matching
        FROM profile p WHERE p.world = :world
    """)  # of our own words; what the filter says are parameters
    try:
        with tx.begin_nested():
            tx.execute(_IN_TIME)
            found = Count(**tx.execute(query, {"world": world, **condition.parameters}).one()._mapping)
            tx.execute(_IN_ANY)
    except OperationalError as error:
        if not isinstance(error.orig, QueryCanceled):
            raise
        return None
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A user with a stored profile. ``since``: its last change. ``tenants``: of which they are members."""

    user_id: str
    profile: dict[str, Any]
    since: datetime
    tenants: frozenset[str]


def matching(tx: Tx, world: World, node: Filter, *, after: str | None, limit: int) -> list[Candidate]:
    """Users who match, by user id."""
    condition = Condition(node)
    query = text(f"""
        SELECT p.user_id, p.profile, p.updated_at AS since,
          ARRAY(
            SELECT tenant_id FROM tenant_member m WHERE m.world = p.world AND m.user_id = p.user_id LIMIT 1000
          ) AS tenants
        FROM profile p WHERE p.world = :world AND p.user_id > :after AND {condition.sql}
        ORDER BY p.user_id LIMIT :limit
    """)  # of our own words; what the filter says are parameters
    rows = tx.execute(query, {"world": world, "after": after or "", "limit": limit, **condition.parameters})
    return [Candidate(**{**row._mapping, "tenants": frozenset(row.tenants)}) for row in rows]
