"""Canaries: where one is, and when it has come through."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from notify.model.names import Channel, Lane
from notify.model.work import Place, Stage
from notify.store import bulk
from notify.store.db import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """``ended_at``: when the last of it happened; None while it is under way. ``at``: where it waits."""

    ended_at: datetime | None
    at: Sequence[Place]


# A request's messages have its millisecond in their ids.
_WORK = text("""
    SELECT stage, lane, channel FROM work
    WHERE message_id BETWEEN :low AND :high AND (message_id = :request_id OR message_id IN (
      SELECT id FROM message WHERE request_id = :request_id AND id BETWEEN :low AND :high))
""")
_ENDED = text("""
    SELECT max(e.at) FROM message m JOIN message_event e ON e.message_id = m.id
    WHERE m.request_id = :request_id AND m.id BETWEEN :low AND :high AND e.message_id BETWEEN :low AND :high
""")


def standing(tx: Tx, request_id: UUID) -> Standing:
    """How the canary fares."""
    parameters = _parameters(request_id)
    at = [
        Place(
            stage=Stage(row.stage),
            lane=Lane(row.lane),
            channel=Channel(row.channel) if row.channel else None,
        )
        for row in tx.execute(_WORK, parameters)
    ]
    # Outbound webhooks tell of it, and are no part of it.
    at = [place for place in at if place.stage.value != "hooks"]
    ended_at = None if at else tx.execute(_ENDED, parameters).scalar_one()
    return Standing(ended_at=ended_at, at=at)


_MESSAGES = text("""
    SELECT id FROM message WHERE request_id = :request_id AND id BETWEEN :low AND :high ORDER BY id FOR UPDATE
""")
_END = text("DELETE FROM work WHERE message_id = ANY(:ids)")


def end(tx: Tx, request_id: UUID) -> None:
    """Take what is left of it out of the queues, so that canaries do not pile up where nobody works."""
    messages = list(tx.execute(_MESSAGES, _parameters(request_id)).scalars())
    tx.execute(_END, {"ids": [*messages, request_id]})


def _parameters(request_id: UUID) -> dict[str, UUID]:
    low, high = bulk.same_millisecond(request_id, request_id)
    return {"request_id": request_id, "low": low, "high": high}
