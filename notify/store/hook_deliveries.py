"""What destinations were told, or are to be: one row per event and destination, one per call."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from notify.model.hook import Attempt, HookDelivery, HookEvent, HookState
from notify.model.names import World
from notify.model.status import Status
from notify.store import bulk, tables
from notify.store.db import Tx

_FIELDS = tuple(HookDelivery.__dataclass_fields__)


def insert(tx: Tx, rows: Sequence[HookDelivery]) -> None:
    bulk.insert(tx, tables.webhook_delivery, [{name: getattr(row, name) for name in _FIELDS} for row in rows])


_LOAD = text(f"""
    SELECT {", ".join(_FIELDS)} FROM webhook_delivery WHERE id = ANY(:ids) AND id BETWEEN :low AND :high
""")  # names of our own


def load(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, HookDelivery]:
    """The deliveries with these ids; those gone with retention are missing."""
    rows = tx.execute(_LOAD, bulk.span(ids)) if ids else ()
    return {row.id: _read(row) for row in rows}


def _read(row: Any) -> HookDelivery:
    values = {name: getattr(row, name) for name in _FIELDS}
    return HookDelivery(
        **{
            **values,
            "world": World(row.world),
            "type": HookEvent(row.type),
            "state": HookState(row.state),
            "status": Status(row.status) if row.status else None,
        }
    )


_BODIES = text(f"""
    UPDATE webhook_delivery d SET body = r.body
    FROM {bulk.recordset(tables.webhook_delivery, ("id", "body"))}
    WHERE d.id = r.id AND d.id BETWEEN :low AND :high
""")


def set_bodies(tx: Tx, bodies: Mapping[UUID, str]) -> None:
    """Keep what these deliveries say, for every try."""
    if bodies:
        rows = bulk.dumps([{"id": id_, "body": body} for id_, body in bodies.items()])
        tx.execute(_BODIES, {"rows": rows, "low": min(bodies), "high": max(bodies)})


_STANDING = ("state", "tries", "answer_status", "error", "next_try_at", "ended_at")
_CHANGED = ("id", *_STANDING)
_UPDATE = text(f"""
    UPDATE webhook_delivery d SET {", ".join(f"{name} = r.{name}" for name in _STANDING)}
    FROM {bulk.recordset(tables.webhook_delivery, _CHANGED)}
    WHERE d.id = r.id AND d.id BETWEEN :low AND :high
""")


def update(tx: Tx, rows: Sequence[HookDelivery]) -> None:
    """Write how these deliveries stand now."""
    if rows:
        ids = [row.id for row in rows]
        changed = [{name: getattr(row, name) for name in _CHANGED} for row in rows]
        tx.execute(_UPDATE, {"rows": bulk.dumps(changed), "low": min(ids), "high": max(ids)})


def log(tx: Tx, attempts: Iterable[Attempt]) -> None:
    """Add calls to the log."""
    fields = Attempt.__dataclass_fields__
    rows = [{name: getattr(attempt, name) for name in fields} for attempt in attempts]
    bulk.insert(tx, tables.webhook_attempt, rows)


def attempts(tx: Tx, id_: UUID, limit: int) -> list[Attempt]:
    """The last calls of a delivery, oldest first."""
    table = tables.webhook_attempt
    newest = select(table).where(table.c.delivery_id == id_).order_by(table.c.at.desc()).limit(limit)
    return [Attempt(**row._mapping) for row in reversed(tx.execute(newest).all())]


def find(
    tx: Tx, destination_id: UUID, *, state: HookState | None, before: UUID | None, limit: int
) -> list[HookDelivery]:
    """Deliveries to a destination, newest first."""
    table = tables.webhook_delivery
    query = select(table).where(table.c.destination_id == destination_id)
    if state is not None:
        query = query.where(table.c.state == state)
    if state not in (None, HookState.DELIVERED):
        # Said as the index says it.
        query = query.where(text("state <> 'delivered'"))
    if before is not None:
        query = query.where(table.c.id < before)
    return [_read(row) for row in tx.execute(query.order_by(table.c.id.desc()).limit(limit))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What to replay: deliveries in these states whose ids lie between two others, ends excluded."""

    destination_id: UUID
    states: Sequence[HookState]
    after: UUID
    before: UUID
    limit: int


_REPLAY = text(f"""
    UPDATE webhook_delivery d SET state = 'pending', tries = 0, started_at = :at, error = NULL,
      answer_status = NULL, next_try_at = NULL, ended_at = NULL
    FROM (
      SELECT id FROM webhook_delivery
      WHERE destination_id = :destination_id AND state = ANY(:states) AND id > :after AND id < :before
      ORDER BY id LIMIT :limit FOR UPDATE
    ) AS chosen
    WHERE d.id = chosen.id AND d.id > :after AND d.id < :before
    RETURNING {", ".join(f"d.{name}" for name in _FIELDS)}
""")


def replay(tx: Tx, chosen: Chosen, at: datetime) -> list[HookDelivery]:
    """Begin these deliveries anew, with all their tries ahead; in the order they came about."""
    rows = tx.execute(
        _REPLAY,
        {
            "destination_id": chosen.destination_id,
            "states": [str(state) for state in chosen.states],
            "after": chosen.after,
            "before": chosen.before,
            "limit": chosen.limit,
            "at": at,
        },
    )
    return sorted((_read(row) for row in rows), key=lambda row: row.id)
