"""Routing strategies: named routing that templates share."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, text, update

from notify.model.names import World
from notify.store import cache
from notify.store.db import Tx
from notify.store.tables import routing_strategy


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """``routing``, ``channels`` and ``providers`` in the words of a send."""

    id: str
    world: World
    name: str
    description: str | None
    tags: list[str] | None
    routing: dict[str, Any]
    channels: dict[str, Any]
    providers: dict[str, Any]
    created_at: datetime
    updated_at: datetime | None

    def as_sent(self) -> dict[str, Any]:
        """What a message keeps of it."""
        return {"routing": self.routing, "channels": self.channels, "providers": self.providers}


_COLUMNS = tuple(column for column in routing_strategy.c if column.name != "archived_at")
_LIVE = routing_strategy.c.archived_at.is_(None)


def _read(row: Any) -> Strategy:
    return Strategy(**{**row._mapping, "world": World(row.world)})


def create(tx: Tx, world: World, id_: str, values: Mapping[str, Any]) -> None:
    """``values``: all that people say of it."""
    tx.execute(insert(routing_strategy).values(id=id_, world=world, **values))


def replace(tx: Tx, id_: str, values: Mapping[str, Any]) -> None:
    """Replace all of it; one that is archived is back."""
    changed = {**values, "updated_at": func.now(), "archived_at": None}
    tx.execute(update(routing_strategy).where(routing_strategy.c.id == id_).values(changed))
    cache.changed(tx)


def owner(tx: Tx, id_: str) -> World | None:
    """The world that has a strategy with this id, archived or not, locked; None: there never was one."""
    query = select(routing_strategy.c.world).where(routing_strategy.c.id == id_).with_for_update()
    found = tx.execute(query).scalar_one_or_none()
    return World(found) if found else None


def archive(tx: Tx, id_: str) -> None:
    tx.execute(update(routing_strategy).where(routing_strategy.c.id == id_).values(archived_at=func.now()))
    cache.changed(tx)


def get(tx: Tx, world: World, id_: str, *, lock: bool = False, hold: bool = False) -> Strategy | None:
    """The strategy, unless it is archived. ``hold``: it stays so until this transaction ends."""
    query = select(*_COLUMNS).where(routing_strategy.c.world == world, routing_strategy.c.id == id_, _LIVE)
    if lock or hold:
        query = query.with_for_update(read=hold)
    row = tx.execute(query).one_or_none()
    return _read(row) if row else None


def find(tx: Tx, world: World, *, before: str | None, limit: int) -> list[Strategy]:
    """Newest first."""
    query = select(*_COLUMNS).where(routing_strategy.c.world == world, _LIVE)
    if before is not None:
        query = query.where(routing_strategy.c.id < before)
    return [_read(row) for row in tx.execute(query.order_by(routing_strategy.c.id.desc()).limit(limit))]


def sendable(tx: Tx, wanted: Collection[tuple[World, str]]) -> dict[tuple[World, str], Strategy]:
    """The strategies that templates name; cached."""

    def load(missing: Collection[tuple[World, str]]) -> dict[tuple[World, str], Strategy]:
        query = select(*_COLUMNS).where(routing_strategy.c.id.in_([id_ for _, id_ in missing]), _LIVE)
        found = [_read(row) for row in tx.execute(query)]
        return {(one.world, one.id): one for one in found}

    return cache.get_many("routing strategy", wanted, load)


_PLACES = ("channels[*]", "channel", "providers[*]", "provider")
_PATH = " || ".join(f"@.{place} == $names[*]" for place in _PLACES)
_NAMING = text(f"""
    SELECT id FROM routing_strategy
    WHERE world = :world AND archived_at IS NULL AND (
      jsonb_exists_any(channels || providers, CAST(:names AS text[]))
      OR jsonb_path_exists(
        jsonb_build_array(routing, channels), '$.** ? ({_PATH})',
        jsonb_build_object('names', to_jsonb(CAST(:names AS text[])))
      )
    )
    ORDER BY id LIMIT 1
""")


def naming(tx: Tx, world: World, names: Collection[str]) -> str | None:
    """A strategy that sends by one of these channel or provider names; None: there is none."""
    found: str | None = tx.execute(_NAMING, {"world": world, "names": list(names)}).scalar()
    return found
