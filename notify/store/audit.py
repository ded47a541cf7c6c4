"""The audit log: who changed what, written in the transaction of the change itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, or_, select, text

from notify import acting, clock, ids
from notify.model.names import World
from notify.store.db import Tx
from notify.store.tables import audit_event


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """``world`` is None for what concerns both. ``details``: before and after, without secrets."""

    id: UUID
    world: World | None
    at: datetime
    actor_id: str
    actor: str
    source: str
    action: str
    target_kind: str
    target_id: str
    details: dict[str, Any]


def record(
    tx: Tx,
    action: str,
    target: tuple[str, object],
    *,
    world: World | None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write down a change, with whoever is acting; it holds if the change does.

    Args:
        action: ``provider.created``: what and what became of it.
        target: its kind and id.
        before: what may be shown of it; no secrets, no content.
        after: likewise.
    """
    actor = acting.who()
    told = {"before": before, "after": after}
    values = {
        "id": ids.new(),
        "world": world,
        "at": clock.now(),
        "actor_id": actor.id,
        "actor": actor.name,
        "source": actor.source,
        "action": action,
        "target_kind": target[0],
        "target_id": str(target[1]),
        "details": {name: dict(value) for name, value in told.items() if value is not None},
    }
    tx.execute(insert(audit_event).values(values))


def _read(row: Any) -> AuditEvent:
    return AuditEvent(**{**row._mapping, "world": World(row.world) if row.world else None})


def find(
    tx: Tx, world: World | None, *, before: UUID | None, limit: int, target: str | None = None
) -> Sequence[AuditEvent]:
    """Newest first: those of a world and those that concern both; None: all. ``target``: only its id's."""
    query = select(audit_event)
    if world is not None:
        query = query.where(or_(audit_event.c.world == world, audit_event.c.world.is_(None)))
    if before is not None:
        query = query.where(audit_event.c.id < before)
    if target is not None:
        query = query.where(audit_event.c.target_id == target)
    return [_read(row) for row in tx.execute(query.order_by(audit_event.c.id.desc()).limit(limit))]


def get(tx: Tx, world: World, id_: UUID) -> AuditEvent | None:
    query = select(audit_event).where(
        audit_event.c.id == id_, or_(audit_event.c.world == world, audit_event.c.world.is_(None))
    )
    row = tx.execute(query).one_or_none()
    return _read(row) if row else None


_DROP_BEFORE = text("""
    DELETE FROM audit_event
    WHERE id IN (SELECT id FROM audit_event WHERE id < :before ORDER BY id LIMIT :size)
""")
_COUNT_BEFORE = text("SELECT count(*) FROM audit_event WHERE id < :before")


def drop_before(tx: Tx, limit: datetime, size: int) -> int:
    """Forget up to ``size`` of what is older than ``limit``; how many."""
    return tx.execute(_DROP_BEFORE, {"before": ids.earliest(limit), "size": size}).rowcount


def count_before(tx: Tx, limit: datetime) -> int:
    """How many are older than ``limit``."""
    return int(tx.execute(_COUNT_BEFORE, {"before": ids.earliest(limit)}).scalar_one())
