"""Weekly partitions of the record tables, by the time inside the UUIDv7.

Making and dropping one takes a lock on the whole table, and whoever waits for that lock stops everybody who
comes after. So nothing here waits longer than a moment: what is in use is left for the next pass, and
partitions are made weeks ahead.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from notify.store.db import Tx
from notify.store.tables import PARTITIONED

_WEEK = timedelta(days=7)
_FIRST_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
# Each message is updated twice on its way to SENT: with room on the page that leaves its indexes alone.
_STORAGE = {"message": " WITH (fillfactor = 50)"}
AHEAD = 8
"""Weeks for which partitions exist in advance: how long the periodic task may be away."""


ALL = tuple(table.name for table in PARTITIONED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """``ends``: nothing in it is younger. ``rows``: as PostgreSQL estimates."""

    name: str
    table: str
    begins: datetime
    ends: datetime
    rows: int
    bytes: int


def ensure(tx: Tx, now: datetime, ahead: int = AHEAD, tables: Iterable[str] = ALL) -> None:
    """Create the partitions of last week to ``ahead`` weeks from ``now``, where missing and not in use."""
    for table, start in missing(tx, now, ahead, tables):
        create(tx, table, start)


def missing(
    tx: Tx, now: datetime, ahead: int = AHEAD, tables: Iterable[str] = ALL
) -> list[tuple[str, datetime]]:
    """Table and beginning of the partitions, from last week to ``ahead`` weeks on, that are not there."""
    this_week = _FIRST_MONDAY + (now - _FIRST_MONDAY) // _WEEK * _WEEK
    there = {(one.table, one.begins) for one in find(tx)}
    starts = [this_week + week * _WEEK for week in range(-1, ahead + 1)]
    return [(table, start) for start in starts for table in tables if (table, start) not in there]


def create(tx: Tx, table: str, start: datetime) -> bool:
    """Create the partition unless its table is in use; whether it is there."""
    tx.execute(_ONE_AT_A_TIME)
    return _at_once(tx, _create(table, start))


# IF NOT EXISTS looks before it waits for its lock, and fails when another pass was first.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(7024118)")
_NO_WAIT = text("SET LOCAL lock_timeout = '100ms'")
_LOCK_NOT_AVAILABLE = "55P03"


def _at_once(tx: Tx, statement: str) -> bool:
    """Run it unless that would mean to wait for its lock; whether it was run."""
    try:
        with tx.begin_nested():
            tx.execute(_NO_WAIT)
            tx.execute(text(statement))
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) != _LOCK_NOT_AVAILABLE:
            raise
        return False
    return True


def _create(table: str, start: datetime) -> str:
    name = f"{table}_{start:%Y%m%d}"
    return (
        f"CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} "
        f"FOR VALUES FROM ('{_bound(start)}') TO ('{_bound(start + _WEEK)}'){_STORAGE.get(table, '')}"
    )


def _bound(at: datetime) -> UUID:
    return UUID(int=int(at.timestamp() * 1000) << 80)


def find(tx: Tx) -> list[Partition]:
    """Every partition there is, the oldest first."""
    rows = tx.execute(_PARTITIONS).all()
    return [
        Partition(
            name=row.name,
            table=row.parent,
            begins=_begins(row.name),
            ends=_begins(row.name) + _WEEK,
            rows=max(0, int(row.rows)),
            bytes=row.bytes,
        )
        for row in rows
    ]


def _begins(partition: str) -> datetime:
    return datetime.strptime(partition.rsplit("_", 1)[1], "%Y%m%d").replace(tzinfo=UTC)


_PARTITIONS = text("""
    SELECT c.relname AS name, parent.relname AS parent, c.reltuples AS rows,
      pg_total_relation_size(c.oid) AS bytes
    FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
    WHERE inhparent IN (SELECT partrelid FROM pg_partitioned_table)
      AND c.relkind = 'r' AND c.relname ~ '_[0-9]{8}$'
    ORDER BY right(c.relname, 8), c.relname
""")


def old(tx: Tx, limits: Mapping[str, datetime]) -> list[Partition]:
    """The partitions that end before the limit of their table."""
    return [one for one in find(tx) if one.table in limits and one.ends <= limits[one.table]]


_UNFINISHED = text(
    "SELECT EXISTS (SELECT FROM work WHERE message_id >= :low AND message_id < :high AND stage <> 'hooks')"
)


def is_unfinished(tx: Tx, partition: Partition) -> bool:
    """Whether something of that time is still to be done: a message that waits for its day is kept."""
    bounds = {"low": _bound(partition.begins), "high": _bound(partition.ends)}
    return bool(tx.execute(_UNFINISHED, bounds).scalar_one())


def drop(tx: Tx, partition: Partition) -> bool:
    """Drop it unless it, or its table, is in use; whether it is gone."""
    return _at_once(tx, f"DROP TABLE IF EXISTS {partition.name}")
