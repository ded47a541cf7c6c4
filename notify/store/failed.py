"""Messages that failed and were not retried yet, found by what they have in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from notify import ids
from notify.model.names import World
from notify.model.status import EventType, Reason, Status
from notify.store.db import Tx

FAILURES = (Status.UNDELIVERABLE, Status.UNROUTABLE, Status.UNMAPPED)
SET_ASIDE = "Set aside: "
"""How the error begins of work that killed its workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedFilters:
    """All that are set must hold. ``provider``: one whose delivery failed. ``since``, ``until``: accepted."""

    message_id: UUID | None = None
    statuses: Sequence[Status] = FAILURES
    reason: Reason | None = None
    provider: str | None = None
    notification: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    set_aside: bool = False


_CONDITIONS = {
    "message_id": "m.id = :message_id",
    "reason": "m.reason = :reason",
    "notification": "m.notification = :notification",
    "provider": "EXISTS (SELECT FROM delivery d WHERE d.message_id = m.id AND d.provider = :provider"
    " AND d.state IN ('failed', 'returned'))",
    "set_aside": "position(:set_aside IN m.error) > 0",
    "low": "m.id >= :low",
    "high": "m.id < :high",
}
_NOT_RETRIED = f"""NOT EXISTS (
  SELECT FROM message_event e WHERE e.message_id = m.id AND e.type = '{EventType.RETRIED}'
    AND e.detail ? 'retried_as')"""


def count(tx: Tx, world: World, filters: FailedFilters, limit: int) -> int:
    """How many there are; no more than ``limit`` are counted."""
    where, parameters = _where(world, filters)
    query = f"SELECT count(*) FROM (SELECT FROM message m WHERE {where} LIMIT :limit) AS found"
    return int(tx.execute(text(query), {**parameters, "limit": limit}).scalar_one())


def hold(tx: Tx, world: World, filters: FailedFilters, limit: int) -> list[UUID]:
    """The oldest of them, locked; those that somebody else retries at this moment are left out."""
    where, parameters = _where(world, filters)
    query = f"SELECT m.id FROM message m WHERE {where} ORDER BY m.id LIMIT :limit FOR UPDATE SKIP LOCKED"
    return list(tx.execute(text(query), {**parameters, "limit": limit}).scalars())


def _where(world: World, filters: FailedFilters) -> tuple[str, dict[str, Any]]:
    values: dict[str, Any] = {
        "message_id": filters.message_id,
        "reason": filters.reason,
        "provider": filters.provider,
        "notification": filters.notification,
        "set_aside": SET_ASIDE if filters.set_aside else None,
        "low": ids.earliest(filters.since) if filters.since else None,
        "high": ids.earliest(filters.until) if filters.until else None,
    }
    given = {name: value for name, value in values.items() if value is not None}
    # `notable` is the status of all but the usual ones, and indexed.
    fixed = ("m.world = :world", "m.notable = ANY(:statuses)", _NOT_RETRIED)
    where = " AND ".join([*fixed, *(_CONDITIONS[name] for name in given)])
    return where, {**given, "world": world, "statuses": list(filters.statuses)}
