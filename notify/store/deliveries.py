"""Deliveries: one row per leaf of the plan and provider tried."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from notify.model.call import Blame
from notify.model.names import Channel
from notify.model.plan import Attempted, DeliveryState
from notify.store import bulk, tables
from notify.store.db import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """``tries``: calls that were answered or given up; ``candidate``: index into the leaf's providers."""

    message_id: UUID
    id: UUID
    leaf: str
    candidate: int
    channel: Channel
    provider: str
    provider_id: UUID
    started_at: datetime
    state: DeliveryState = DeliveryState.ACTIVE
    tries: int = 0
    sent_at: datetime | None = None
    delivered_at: datetime | None = None
    blame: Blame | None = None
    error: str | None = None
    reference: dict[str, str] | None = None

    def attempted(self) -> Attempted:
        """This delivery as ``routing.advance`` sees it."""
        return Attempted(
            leaf=self.leaf,
            candidate=self.candidate,
            state=self.state,
            started_at=self.started_at,
            blame=self.blame,
            reason=self.error,
        )


def insert(tx: Tx, rows: Sequence[Delivery]) -> None:
    bulk.insert(
        tx,
        tables.delivery,
        [
            {
                "message_id": row.message_id,
                "id": row.id,
                "leaf": row.leaf,
                "candidate": row.candidate,
                "channel": row.channel,
                "provider": row.provider,
                "provider_id": row.provider_id,
                "state": row.state,
                "started_at": row.started_at,
            }
            for row in rows
        ],
    )


_OF_MESSAGES = text("""
    SELECT message_id, id, leaf, candidate, channel, provider, provider_id, state, tries, started_at, sent_at,
      delivered_at, blame, error, reference
    FROM delivery WHERE message_id = ANY(:ids) AND message_id BETWEEN :low AND :high
    ORDER BY started_at, leaf, candidate
""")


def of_messages(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, list[Delivery]]:
    """Every delivery of these messages, oldest first, by message id."""
    found: dict[UUID, list[Delivery]] = defaultdict(list)
    for row in tx.execute(_OF_MESSAGES, bulk.span(ids)) if ids else ():
        found[row.message_id].append(_read(row))
    return found


def _read(row: Any) -> Delivery:
    return Delivery(
        message_id=row.message_id,
        id=row.id,
        leaf=row.leaf,
        candidate=row.candidate,
        channel=Channel(row.channel),
        provider=row.provider,
        provider_id=row.provider_id,
        state=DeliveryState(row.state),
        tries=row.tries,
        started_at=row.started_at,
        sent_at=row.sent_at,
        delivered_at=row.delivered_at,
        blame=Blame(row.blame) if row.blame else None,
        error=row.error,
        reference=row.reference,
    )


_CHANGED = ("message_id", "id", "state", "tries", "sent_at", "delivered_at", "blame", "error", "reference")
_UPDATE = text(f"""
    UPDATE delivery d SET state = r.state, tries = r.tries, sent_at = r.sent_at,
      delivered_at = r.delivered_at, blame = r.blame, error = r.error, reference = r.reference
    FROM {bulk.recordset(tables.delivery, _CHANGED)}
    WHERE d.message_id = r.message_id AND d.id = r.id AND d.message_id BETWEEN :low AND :high
""")


def update(tx: Tx, rows: Sequence[Delivery]) -> None:
    """Write how these deliveries stand now."""
    if rows:
        ids = [row.message_id for row in rows]
        changed = [{name: getattr(row, name) for name in _CHANGED} for row in rows]
        tx.execute(_UPDATE, {"rows": bulk.dumps(changed), "low": min(ids), "high": max(ids)})
