"""Requests: what was asked, stored once, however many messages it becomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from notify.model.names import Mode, World
from notify.store import bulk, tables
from notify.store.db import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """``body``: the ``message`` object of the send, as JSON bytes."""

    id: UUID
    world: World
    body: bytes
    created_at: datetime
    mode: Mode = Mode.PUBLISHED


def insert(tx: Tx, rows: Sequence[NewRequest]) -> None:
    bulk.insert(
        tx,
        tables.request,
        [
            {
                "id": row.id,
                "world": row.world,
                "body": bulk.Raw(row.body),
                "mode": row.mode,
                "created_at": row.created_at,
            }
            for row in rows
        ],
    )


_ARCHIVE = text("""
    UPDATE request SET archived_at = coalesce(archived_at, :at) WHERE id = :id AND world = :world RETURNING id
""")


def archive(tx: Tx, world: World, id_: UUID, at: datetime) -> bool:
    """Mark the request as archived; whether there is such a request."""
    return tx.execute(_ARCHIVE, {"id": id_, "world": world, "at": at}).first() is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    created_at: datetime
    archived_at: datetime | None


_TIMES = text("SELECT created_at, archived_at FROM request WHERE id = :id FOR SHARE")


def hold(tx: Tx, id_: UUID) -> Times:
    """The request's times; nobody archives it before this transaction ends."""
    row = tx.execute(_TIMES, {"id": id_}).one()
    return Times(created_at=row.created_at, archived_at=row.archived_at)


_BODIES = text("SELECT id, world, body FROM request WHERE id = ANY(:ids) AND id BETWEEN :low AND :high")


def bodies(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """The ``message`` objects of these requests, by request id."""
    return {row.id: row.body for row in tx.execute(_BODIES, bulk.span(ids))} if ids else {}
