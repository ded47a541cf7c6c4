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
class Held:
    """``entry``: which of its groups is expanded next, ``after`` whom of it; ``expanded``: messages made."""

    created_at: datetime
    archived_at: datetime | None
    entry: int
    after: str | None
    expanded: int
    done: bool


_HOLD = text("""
    SELECT created_at, archived_at, coalesce(expand_entry, 0) AS entry, expand_after AS after,
      coalesce(expanded, 0) AS expanded, expanded_at IS NOT NULL AS done
    FROM request WHERE id = :id FOR NO KEY UPDATE
""")


def hold(tx: Tx, id_: UUID) -> Held:
    """The request's times, and how far it is expanded; nobody else changes it in this transaction's time."""
    return Held(**tx.execute(_HOLD, {"id": id_}).one()._mapping)


_ADVANCE = text("""
    UPDATE request SET expand_entry = :entry, expand_after = :after, expanded = :expanded,
      expanded_at = CASE WHEN :done THEN now() END, expand_error = :error
    WHERE id = :id
""")


def advance(
    tx: Tx,
    id_: UUID,
    *,
    entry: int,
    after: str | None,
    expanded: int,
    done: bool,
    error: str | None = None,
) -> None:
    """Write down how far the request has been expanded. ``error``: why it goes no further."""
    values = {"id": id_, "entry": entry, "after": after, "expanded": expanded}
    tx.execute(_ADVANCE, {**values, "done": done, "error": error})


_PROGRESS = text("""
    SELECT id, created_at, archived_at, expanded, expanded_at, expand_error FROM request
    WHERE id = :id AND world = :world
""")


def progress(tx: Tx, world: World, id_: UUID) -> Any | None:
    """How far a request has come; ``expanded`` is null until its expansion has begun, and for single ones."""
    return tx.execute(_PROGRESS, {"id": id_, "world": world}).one_or_none()


_BODIES = text("SELECT id, world, body FROM request WHERE id = ANY(:ids) AND id BETWEEN :low AND :high")


def bodies(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """The ``message`` objects of these requests, by request id."""
    return {row.id: row.body for row in tx.execute(_BODIES, bulk.span(ids))} if ids else {}
