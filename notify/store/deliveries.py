"""Deliveries: one row per leaf of the plan and provider tried."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from notify.model.call import Blame
from notify.model.names import Channel
from notify.model.plan import Attempted, Criterion, DeliveryState
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
    opened_at: datetime | None = None
    clicked_at: datetime | None = None
    complained_at: datetime | None = None
    blame: Blame | None = None
    error: str | None = None
    reference: dict[str, str] | None = None
    called_at: datetime | None = None
    response: Mapping[str, Any] | None = None

    def attempted(self) -> Attempted:
        """This delivery as ``routing.advance`` sees it."""
        return Attempted(
            leaf=self.leaf,
            candidate=self.candidate,
            state=self.state,
            started_at=self.started_at,
            blame=self.blame,
            reason=self.error,
            sent_at=self.sent_at,
            reached=self._reached(),
        )

    def _reached(self) -> Criterion | None:
        if self.clicked_at:
            return Criterion.ENGAGED
        if self.opened_at:
            return Criterion.VIEWED
        # What was returned did not arrive, whatever was reported before.
        arrived = self.delivered_at and self.state is not DeliveryState.RETURNED
        return Criterion.DELIVERED if arrived else None


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
      delivered_at, opened_at, clicked_at, complained_at, blame, error, reference, called_at, response
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
        opened_at=row.opened_at,
        clicked_at=row.clicked_at,
        complained_at=row.complained_at,
        blame=Blame(row.blame) if row.blame else None,
        error=row.error,
        reference=row.reference,
        called_at=row.called_at,
        response=row.response,
    )


_STANDING = (
    "state", "tries", "started_at", "sent_at", "delivered_at", "opened_at", "clicked_at", "complained_at",
    "blame", "error", "reference", "response",
)  # fmt: skip
_CHANGED = ("message_id", "id", *_STANDING)
_UPDATE = text(f"""
    UPDATE delivery d SET {", ".join(f"{name} = r.{name}" for name in _STANDING)},
      called_at = CASE WHEN r.state = 'active' AND r.tries = d.tries THEN d.called_at END
    FROM {bulk.recordset(tables.delivery, _CHANGED)}
    WHERE d.message_id = r.message_id AND d.id = r.id AND {bulk.within("d.message_id")}
""")


def update(tx: Tx, rows: Sequence[Delivery]) -> None:
    """Write how these deliveries stand now; the outcome of a call takes away the mark that it had begun."""
    if rows:
        changed = [{name: getattr(row, name) for name in _CHANGED} for row in rows]
        tx.execute(_UPDATE, {"rows": bulk.dumps(changed), **bulk.span([row.message_id for row in rows])})


_CALL = text(f"""
    UPDATE delivery d SET called_at = :at
    FROM {bulk.recordset(tables.delivery, ("message_id", "id"))}
    WHERE d.message_id = r.message_id AND d.id = r.id AND {bulk.within("d.message_id")}
      AND d.state = 'active' AND d.called_at IS NULL
    RETURNING d.id
""")


def call(tx: Tx, rows: Sequence[Delivery], at: datetime) -> set[UUID]:
    """Mark that the calls of these deliveries begin; return those that had no such mark."""
    if not rows:
        return set()
    marked = bulk.dumps([{"message_id": row.message_id, "id": row.id} for row in rows])
    parameters = {"rows": marked, "at": at, **bulk.span([row.message_id for row in rows])}
    return set(tx.execute(_CALL, parameters).scalars())


_CANCEL = text("UPDATE delivery SET state = 'canceled' WHERE message_id = :message_id AND state = 'active'")


def cancel(tx: Tx, message_id: UUID) -> None:
    """What of the message was still to be sent is not sent any more."""
    tx.execute(_CANCEL, {"message_id": message_id})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """A delivery by what a provider knows of it: our id, or the provider's own reference."""

    key: UUID
    provider_id: UUID | None
    delivery_id: UUID | None
    reference: dict[str, str]


# A delivery has its message's millisecond, so its id says where to look; references have an index.
_FIND = text("""
    SELECT r.key, d.message_id, d.id
    FROM json_to_recordset(CAST(:rows AS json))
      AS r(key uuid, provider_id uuid, delivery_id uuid, low uuid, high uuid, reference jsonb)
    CROSS JOIN LATERAL (
      SELECT message_id, id, provider_id FROM delivery
      WHERE r.delivery_id IS NOT NULL AND message_id BETWEEN r.low AND r.high AND id = r.delivery_id
      UNION ALL
      SELECT message_id, id, provider_id FROM delivery
      WHERE r.delivery_id IS NULL AND reference <> '{}' AND reference = r.reference
        AND jsonb_hash_extended(reference, 0) = jsonb_hash_extended(r.reference, 0)
    ) AS d
    WHERE d.provider_id = r.provider_id
""")


def find(tx: Tx, sought: Sequence[Sought]) -> dict[UUID, tuple[UUID, UUID]]:
    """Message and delivery id of each that exists, by ``key``."""
    rows = [
        {
            "key": one.key,
            "provider_id": one.provider_id,
            "delivery_id": one.delivery_id,
            "reference": one.reference,
            **_neighbourhood(one.delivery_id),
        }
        for one in sought
    ]
    found = tx.execute(_FIND, {"rows": bulk.dumps(rows)}) if rows else ()
    return {row.key: (row.message_id, row.id) for row in found}


def _neighbourhood(delivery_id: UUID | None) -> dict[str, UUID]:
    at = delivery_id or UUID(int=0)
    low, high = bulk.same_millisecond(at, at)
    return {"low": low, "high": high}
