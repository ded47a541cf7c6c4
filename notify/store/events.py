"""The message log: append-only, oldest first. Being accepted is the message row itself, not an entry here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from notify.model.status import EventType
from notify.store import bulk, tables
from notify.store.db import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """``detail``: ids, names and reasons; content and profile are stored once, in ``message_content``."""

    message_id: UUID
    at: datetime
    type: EventType
    detail: dict[str, Any] = field(default_factory=dict)


def append(tx: Tx, events: Sequence[Event]) -> None:
    bulk.insert(
        tx,
        tables.message_event,
        [{"message_id": e.message_id, "at": e.at, "type": e.type, "detail": e.detail} for e in events],
    )


_OF = text("SELECT at, type, detail FROM message_event WHERE message_id = :id ORDER BY seq")


def of(tx: Tx, message_id: UUID) -> list[Event]:
    """The log of one message, oldest first."""
    rows = tx.execute(_OF, {"id": message_id})
    return [
        Event(message_id=message_id, at=row.at, type=EventType(row.type), detail=row.detail) for row in rows
    ]
