"""The log of what users changed of their preferences; its ids are in the order of time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text

from notify import ids
from notify.model.names import World
from notify.store import bulk
from notify.store.db import Tx
from notify.store.tables import preference_log


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a user changed. ``previous``: what they had chosen before, in the API's words."""

    id: UUID
    user_id: str
    tenant_id: str | None
    topic_id: str
    topic_name: str
    status: str
    has_custom_routing: bool
    custom_routing: Sequence[str]
    previous: Mapping[str, Any] | None = None

    @property
    def at(self) -> datetime:
        """UTC, to the millisecond."""
        return ids.made_at(self.id)


_NAMES = (
    "id", "user_id", "tenant_id", "topic_id", "topic_name", "status", "has_custom_routing", "custom_routing",
    "previous",
)  # fmt: skip


def add(tx: Tx, world: World, changes: Sequence[Change]) -> None:
    """Write these down."""
    rows = [{"world": world, **{name: getattr(one, name) for name in _NAMES}} for one in changes]
    bulk.insert(tx, preference_log, rows)


def find(
    tx: Tx,
    world: World,
    *,
    user_id: str | None,
    tenant_id: str | None,
    since: datetime | None,
    before: UUID | None,
    limit: int,
) -> list[Change]:
    """Newest first."""
    log = preference_log.c
    query = select(*(log[name] for name in _NAMES)).where(log.world == world)
    if user_id is not None:
        query = query.where(log.user_id == user_id)
    if tenant_id is not None:
        query = query.where(log.tenant_id == tenant_id)
    if since is not None:
        query = query.where(log.id >= ids.earliest(since))
    if before is not None:
        query = query.where(log.id < before)
    return [Change(**row._mapping) for row in tx.execute(query.order_by(log.id.desc()).limit(limit))]


_DROP_BEFORE = text("""
    DELETE FROM preference_log
    WHERE id IN (SELECT id FROM preference_log WHERE id < :before ORDER BY id LIMIT :size)
""")
_COUNT_BEFORE = text("SELECT count(*) FROM preference_log WHERE id < :before")


def drop_before(tx: Tx, limit: datetime, size: int) -> int:
    """Forget up to ``size`` of what is older than ``limit``; how many."""
    return tx.execute(_DROP_BEFORE, {"before": ids.earliest(limit), "size": size}).rowcount


def count_before(tx: Tx, limit: datetime) -> int:
    """How many are older than ``limit``."""
    return int(tx.execute(_COUNT_BEFORE, {"before": ids.earliest(limit)}).scalar_one())
