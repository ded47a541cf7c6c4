"""Brands: how a world's emails look. One of them may be the default."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from notify.errors import Conflict
from notify.model.names import World
from notify.store import bulk, cache
from notify.store.db import Tx
from notify.store.tables import brand


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """``settings`` and ``snippets`` (``{"items": [{"name", "value"}]}``) as the API has them."""

    id: str
    world: World
    name: str
    settings: dict[str, Any]
    snippets: dict[str, Any]
    is_default: bool
    created_at: datetime
    updated_at: datetime


def _read(row: Any) -> Brand:
    return Brand(**{**row._mapping, "world": World(row.world)})


def create(tx: Tx, world: World, id_: str, *, default: bool, **values: Any) -> None:
    """Store a new brand.

    Raises:
        Conflict: the id is taken.
    """
    try:
        with tx.begin_nested():
            tx.execute(insert(brand).values(world=world, id=id_, is_default=default, **values))
    except IntegrityError:
        raise Conflict(f"Brand {id_!r} exists already.") from None
    cache.changed(tx)


def replace(tx: Tx, world: World, id_: str, **values: Any) -> None:
    _change(tx, world, id_, {**values, "updated_at": func.now()})


def make_default(tx: Tx, world: World, id_: str) -> None:
    """Make this the default, and no other."""
    tx.execute(update(brand).where(brand.c.world == world, brand.c.is_default).values(is_default=False))
    _change(tx, world, id_, {"is_default": True})


def _change(tx: Tx, world: World, id_: str, values: Mapping[str, Any]) -> None:
    tx.execute(update(brand).where(brand.c.world == world, brand.c.id == id_).values(dict(values)))
    cache.changed(tx)


def delete(tx: Tx, world: World, id_: str) -> None:
    tx.execute(sql_delete(brand).where(brand.c.world == world, brand.c.id == id_))
    cache.changed(tx)


def exists(tx: Tx, world: World, id_: str) -> bool:
    """Whether there is such a brand; cached if there is."""
    return cache.get(("brand known", world, id_), lambda: get(tx, world, id_)) is not None


_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('brands ' || :world, 0))")


def hold(tx: Tx, world: World) -> None:
    """Nobody else decides which brand is the default before this transaction ends."""
    tx.execute(_ONE_AT_A_TIME, {"world": world})


def get(tx: Tx, world: World, id_: str, *, lock: bool = False) -> Brand | None:
    query = select(brand).where(brand.c.world == world, brand.c.id == id_)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return _read(row) if row else None


def has_default(tx: Tx, world: World) -> bool:
    return (
        tx.execute(select(brand.c.id).where(brand.c.world == world, brand.c.is_default)).first() is not None
    )


def find(tx: Tx, world: World, *, after: str | None, limit: int) -> list[Brand]:
    """By id."""
    query = select(brand).where(brand.c.world == world)
    if after is not None:
        query = query.where(brand.c.id > after)
    return [_read(row) for row in tx.execute(query.order_by(brand.c.id).limit(limit))]


_WANTED = text("""
    SELECT b.* FROM json_to_recordset(CAST(:rows AS json)) AS r(world text, id text)
    JOIN brand b ON b.world = r.world AND (b.id = r.id OR (r.id IS NULL AND b.is_default))
""")
Name = tuple[World, str | None]
"""A brand by its id; None: the default."""


def sendable(tx: Tx, wanted: Collection[Name]) -> dict[Name, Brand]:
    """Brands that messages name, and defaults; cached."""

    def load(missing: Collection[Name]) -> dict[Name, Brand]:
        rows = bulk.dumps([{"world": world, "id": id_} for world, id_ in missing])
        found: dict[Name, Brand] = {}
        for row in tx.execute(_WANTED, {"rows": rows}):
            read = _read(row)
            found[read.world, read.id] = read
            if read.is_default:
                found[read.world, None] = read
        return found

    return cache.get_many("brand", wanted, load)
