"""Messages of Celery tasks that were refused: which task, and why; never what it said or to whom."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, or_, select, text

from notify import ids
from notify.model.names import World
from notify.store.db import Tx
from notify.store.tables import refusal

KEPT = 10_000
"""Of more than so many the oldest go: a producer that errs in a loop must not fill the database."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """``world``: None where it was not to be made out. ``place``: which one of a task's ``messages``.

    ``type``: as in the API's errors. ``message``: names places in the message, not what stands there.
    """

    id: UUID
    world: World | None
    at: datetime
    task_id: str
    place: int | None
    type: str
    message: str


_DROP_MORE = text("""
    DELETE FROM refusal WHERE id <= (SELECT id FROM refusal ORDER BY id DESC OFFSET :kept LIMIT 1)
""")


def add(tx: Tx, new: Sequence[Refusal]) -> None:
    """Store them, and forget the oldest of too many."""
    tx.execute(insert(refusal), [asdict(one) for one in new])
    tx.execute(_DROP_MORE, {"kept": KEPT})


def find(tx: Tx, world: World | None, *, before: UUID | None, limit: int) -> list[Refusal]:
    """Newest first: those of a world and those of an unknown one; None: all."""
    query = select(refusal)
    if world is not None:
        query = query.where(or_(refusal.c.world == world, refusal.c.world.is_(None)))
    if before is not None:
        query = query.where(refusal.c.id < before)
    return [_read(row) for row in tx.execute(query.order_by(refusal.c.id.desc()).limit(limit))]


def _read(row: Any) -> Refusal:
    return Refusal(**{**row._mapping, "world": World(row.world) if row.world else None})


_COUNT_SINCE = text("SELECT count(*) FROM refusal WHERE id >= :since")


def count(tx: Tx, since: datetime) -> int:
    """How many there have been since then, of both worlds; ``KEPT`` at most."""
    return int(tx.execute(_COUNT_SINCE, {"since": ids.earliest(since)}).scalar_one())


_DROP_BEFORE = text("""
    DELETE FROM refusal WHERE id IN (SELECT id FROM refusal WHERE id < :before ORDER BY id LIMIT :size)
""")


def drop_before(tx: Tx, limit: datetime, size: int) -> int:
    """Forget up to ``size`` of what is older than ``limit``; how many."""
    return tx.execute(_DROP_BEFORE, {"before": ids.earliest(limit), "size": size}).rowcount
