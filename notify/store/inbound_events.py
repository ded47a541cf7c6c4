"""Events that applications report, kept for what they may start."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import text

from notify import ids
from notify.model.names import World
from notify.store import bulk, tables
from notify.store.db import Tx


class Position(NamedTuple):
    """Where a reader stands: after this event of this transaction."""

    transaction_id: str
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundEvent:
    """``message_id``: the application's own, by which a repeat is known."""

    id: UUID
    world: World
    event: str
    message_id: str
    user_id: str | None
    properties: dict[str, Any]
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """An event, and where a reader stands after it."""

    event: InboundEvent
    position: Position


_COLUMNS = ("id", "world", "event", "message_id", "user_id", "properties", "received_at")
_ADD = text(f"""
    INSERT INTO inbound_event ({", ".join(_COLUMNS)})
    SELECT {", ".join(_COLUMNS)} FROM {bulk.recordset(tables.inbound_event, _COLUMNS)}
    ON CONFLICT (world, message_id) DO NOTHING
""")


def add(tx: Tx, new: Sequence[InboundEvent]) -> int:
    """Keep events; how many, since those whose ``message_id`` is known already are not kept again."""
    rows = [{name: getattr(one, name) for name in _COLUMNS} for one in new]
    return tx.execute(_ADD, {"rows": bulk.dumps(rows)}).rowcount if rows else 0


# What is not older than every transaction under way may still be followed by something that sorts before it.
_SINCE = text(f"""
    SELECT {", ".join(_COLUMNS)}, transaction_id::text AS transaction_id FROM inbound_event
    WHERE (transaction_id, id) > (CAST(:transaction_id AS xid8), CAST(:id AS uuid))
      AND transaction_id < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY inbound_event.transaction_id, id LIMIT :limit
""")
_FIRST = Position("0", UUID(int=0))


def since(tx: Tx, position: Position | None, limit: int) -> Sequence[Read]:
    """At most ``limit`` events after ``position`` (None: all), in an order in which none is missed."""
    rows = tx.execute(_SINCE, {**(position or _FIRST)._asdict(), "limit": limit})
    return [
        Read(
            event=InboundEvent(
                **{name: row._mapping[name] for name in _COLUMNS if name != "world"}, world=World(row.world)
            ),
            position=Position(row.transaction_id, row.id),
        )
        for row in rows
    ]


_DROP_BEFORE = text("""
    DELETE FROM inbound_event
    WHERE id IN (SELECT id FROM inbound_event WHERE id < :before ORDER BY id LIMIT :size)
""")


def drop_before(tx: Tx, limit: datetime, size: int) -> int:
    """Forget up to ``size`` of what is older than ``limit``; how many."""
    return tx.execute(_DROP_BEFORE, {"before": ids.earliest(limit), "size": size}).rowcount
