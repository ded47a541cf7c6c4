"""The preference page as it was last published."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from notify.model.names import World
from notify.store.db import Tx
from notify.store.tables import preference_page as _table


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """``version``: epoch milliseconds, rising. ``page``: what it shows; see ``preferences.page``."""

    id: str
    version: int
    page: Mapping[str, Any]
    published_at: datetime
    published_by: str | None


_NAMES = ("id", "version", "page", "published_at", "published_by")
_COLUMNS = tuple(_table.c[name] for name in _NAMES)


def newest(tx: Tx, world: World) -> Published | None:
    """The page that is shown; None: it was never published."""
    row = tx.execute(select(*_COLUMNS).where(_table.c.world == world)).one_or_none()
    return Published(**row._mapping) if row else None


def publish(tx: Tx, world: World, new: Published) -> None:
    """Show this one from now on."""
    values = {name: getattr(new, name) for name in _NAMES}
    statement = insert(_table).values(world=world, **values)
    tx.execute(statement.on_conflict_do_update(index_elements=["world"], set_=values))
