"""What has happened in the last minutes, from the newest rows alone: bounded, however much that was."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from notify import ids
from notify.model.names import World
from notify.model.plan import DeliveryState
from notify.model.status import Status
from notify.store.db import Tx
from notify.store.failed import FAILURES

_LOOKED_AT = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """How many deliveries of a provider stand how, of those that began recently."""

    world: World
    provider: str
    state: DeliveryState
    count: int


_OUTCOMES = text("""
    SELECT m.world, d.provider, d.state, count(*) AS number
    FROM (SELECT id, world FROM message WHERE id >= :since ORDER BY id DESC LIMIT :most) AS m
    JOIN delivery d ON d.message_id = m.id AND d.message_id >= :since
    GROUP BY m.world, d.provider, d.state ORDER BY 1, 2, 3
""")


def outcomes(tx: Tx, since: datetime) -> Sequence[Outcomes]:
    """By world and provider; of very many messages, of the newest."""
    rows = tx.execute(_OUTCOMES, {"since": ids.earliest(since), "most": _LOOKED_AT})
    return [
        Outcomes(
            world=World(row.world), provider=row.provider, state=DeliveryState(row.state), count=row.number
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A message that failed."""

    id: UUID
    world: World
    status: Status
    error: str | None
    enqueued_at: datetime


_FAILURES = text("""
    SELECT id, world, status, error, enqueued_at FROM message
    WHERE world = ANY(:worlds) AND notable = ANY(:statuses) AND id >= :since ORDER BY id DESC LIMIT :limit
""")


def failures(tx: Tx, since: datetime, limit: int) -> Sequence[Failure]:
    """The newest messages that failed, of those accepted since then."""
    parameters = {
        "worlds": list(World),
        "statuses": list(FAILURES),
        "since": ids.earliest(since),
        "limit": limit,
    }
    return [
        Failure(
            id=row.id,
            world=World(row.world),
            status=Status(row.status),
            error=row.error,
            enqueued_at=row.enqueued_at,
        )
        for row in tx.execute(_FAILURES, parameters)
    ]


_ACCEPTED = text("SELECT count(*) FROM (SELECT FROM message WHERE id >= :since LIMIT :most) AS newest")


def accepted(tx: Tx, since: datetime) -> int:
    """How many messages have been accepted since then; at most 20,000 are counted."""
    return int(tx.execute(_ACCEPTED, {"since": ids.earliest(since), "most": _LOOKED_AT}).scalar_one())
