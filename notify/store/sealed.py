"""Everything that is encrypted at rest, encrypted anew after the key has changed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cryptography.fernet import InvalidToken
from sqlalchemy import Table, func, select, update

from notify.store import cache, vault
from notify.store.db import Tx
from notify.store.tables import provider, suppression, webhook_destination

SEALED = (provider, webhook_destination)
"""Tables with a column ``secrets`` that the vault has sealed."""

_FIRST = UUID(int=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """``after``: where the next one begins; None: this table is done. ``unreadable``: no key opens these."""

    resealed: int
    unreadable: tuple[UUID, ...]
    after: UUID | None


def reseal(tx: Tx, table: Table, after: UUID | None, size: int) -> Chunk:
    """Encrypt up to ``size`` rows with the first key, those left out that are so already."""
    rows = _rows(tx, table, after or _FIRST, size, lock=True)
    old = [row for row in rows if not vault.is_current(bytes(row.secrets))]
    unreadable = [row.id for row in old if not _reseal(tx, table, row)]
    if len(old) > len(unreadable):
        cache.changed(tx)
    return Chunk(
        resealed=len(old) - len(unreadable),
        unreadable=tuple(unreadable),
        after=rows[-1].id if len(rows) == size else None,
    )


def _reseal(tx: Tx, table: Table, row: Any) -> bool:
    try:
        secrets = vault.reseal(bytes(row.secrets))
    except InvalidToken:
        return False
    tx.execute(update(table).where(table.c.id == row.id).values(secrets=secrets))
    return True


def _rows(tx: Tx, table: Table, after: UUID, size: int, *, lock: bool = False) -> list[Any]:
    query = select(table.c.id, table.c.secrets).where(table.c.id > after, table.c.secrets.is_not(None))
    query = query.order_by(table.c.id).limit(size)
    return list(tx.execute(query.with_for_update() if lock else query))


def outdated(tx: Tx, size: int) -> Iterator[tuple[str, UUID]]:
    """Table and id of what another key than the first has sealed."""
    for table in SEALED:
        after: UUID | None = _FIRST
        while after is not None:
            rows = _rows(tx, table, after, size)
            yield from ((table.name, row.id) for row in rows if not vault.is_current(bytes(row.secrets)))
            after = rows[-1].id if len(rows) == size else None


def signed_addresses(tx: Tx) -> int:
    """How many suppressed addresses are known by their MAC alone."""
    return int(tx.execute(select(func.count()).select_from(suppression)).scalar_one())
