"""Requests: what was asked, stored once, however many messages it becomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from notify.model.names import World
from notify.store import bulk, tables
from notify.store.db import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRequest:
    """``body``: the ``message`` object of the send, as JSON bytes."""

    id: UUID
    world: World
    body: bytes
    created_at: datetime


def insert(tx: Tx, rows: Sequence[NewRequest]) -> None:
    bulk.insert(
        tx,
        tables.request,
        [
            {"id": row.id, "world": row.world, "body": bulk.Raw(row.body), "created_at": row.created_at}
            for row in rows
        ],
    )


_BODIES = text("SELECT id, world, body FROM request WHERE id = ANY(:ids) AND id BETWEEN :low AND :high")


def bodies(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """The ``message`` objects of these requests, by request id."""
    return {row.id: row.body for row in tx.execute(_BODIES, bulk.span(ids))} if ids else {}
