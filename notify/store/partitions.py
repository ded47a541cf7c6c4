"""Weekly partitions of the record tables, by the time inside the UUIDv7."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from notify.store.db import Tx
from notify.store.tables import PARTITIONED

_WEEK = timedelta(days=7)
_FIRST_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
# Each message is updated twice on its way to SENT: with room on the page that leaves its indexes alone.
_STORAGE = {"message": " WITH (fillfactor = 50)"}
AHEAD = 8
"""Weeks for which partitions exist in advance: how long the periodic task may be away."""


def ensure(tx: Tx, now: datetime, ahead: int = AHEAD) -> None:
    """Create the partitions of last week to ``ahead`` weeks from ``now``, where missing."""
    tx.execute(_ONE_AT_A_TIME)
    this_week = _FIRST_MONDAY + (now - _FIRST_MONDAY) // _WEEK * _WEEK
    for start in (this_week + week * _WEEK for week in range(-1, ahead + 1)):
        for table in PARTITIONED:
            tx.execute(text(_create(table.name, start)))


# IF NOT EXISTS looks before it waits for its lock, and fails when another pass was first.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7024118)")


def _create(table: str, start: datetime) -> str:
    name = f"{table}_{start:%Y%m%d}"
    return (
        f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} "
        f"FOR VALUES FROM ('{_bound(start)}') TO ('{_bound(start + _WEEK)}'){_STORAGE.get(table, '')}"
    )


def _bound(at: datetime) -> UUID:
    return UUID(int=int(at.timestamp() * 1000) << 80)


def drop_before(tx: Tx, limit: datetime) -> list[str]:
    """Drop the partitions that end before ``limit``; return their names."""
    names = tx.execute(_PARTITIONS).scalars().all()
    old = [name for name in names if _ends(name) <= limit]
    for name in old:
        tx.execute(text(f"DROP TABLE {name}"))
    return old


def _ends(partition: str) -> datetime:
    return datetime.strptime(partition.rsplit("_", 1)[1], "%Y%m%d").replace(tzinfo=UTC) + _WEEK


_PARTITIONS = text("""
    SELECT c.relname FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid
    WHERE inhparent IN (SELECT partrelid FROM pg_partitioned_table)
      AND c.relkind = 'r' AND c.relname ~ '_[0-9]{8}$'
""")
