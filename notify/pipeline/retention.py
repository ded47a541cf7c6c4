"""retention: partitions are made ahead and dropped when old; what has expired or is not needed any more goes.

Each table has its own time. What was accepted and is not finished stays, however old; and what is in use at
the moment is left for the next pass, since waiting for it would stop the sends behind us.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from notify import clock, ids, log, settings
from notify.store import (
    audit,
    bulk_jobs,
    db,
    heartbeats,
    idempotency,
    inbound_events,
    partitions,
    preference_logs,
    refusals,
    send_limits,
)
from notify.store.partitions import Partition

_log = log.get(__name__)
_LONGEST_PERIOD = timedelta(days=32)
_UNSENT_JOBS = timedelta(days=30)
"""How long a bulk job may wait to be run."""
_JOBS = 10
"""Bulk jobs of one pass: each may have a million users."""
UNFINISHED = "messages of that time are not finished"
IN_USE = "in use; the next pass tries again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is old enough to go. ``kept``: why it stays all the same."""

    name: str
    rows: int
    bytes: int = 0
    kept: str | None = None


def limits(now: datetime) -> dict[str, datetime]:
    """Table -> what is older than this goes."""
    config = settings.load()
    content = config.content_retention_days or config.retention_days
    events = config.event_retention_days or config.retention_days
    hooks = config.webhook_log_retention_days
    days = {
        "message": config.retention_days,
        "message_plan": config.retention_days,
        "delivery": config.retention_days,
        "request": content,
        "message_content": content,
        "message_event": events,
        "webhook_delivery": hooks,
        "webhook_attempt": hooks,
    }
    return {table: now - timedelta(days=kept) for table, kept in days.items()}


def audit_limit(now: datetime) -> datetime:
    """Audit events older than this go."""
    return now - timedelta(days=settings.load().audit_retention_days)


def preference_limit(now: datetime) -> datetime:
    """Changes of preferences older than this are forgotten; what was chosen stays."""
    return now - timedelta(days=settings.load().preference_log_retention_days)


def due() -> list[Due]:
    """What a pass would drop, and what it would keep for now."""
    with db.begin() as tx:
        now = clock.now()
        found = [
            _due(one, UNFINISHED if partitions.is_unfinished(tx, one) else None)
            for one in partitions.old(tx, limits(now))
        ]
        logged = {
            "audit_event": audit.count_before(tx, audit_limit(now)),
            "preference_log": preference_logs.count_before(tx, preference_limit(now)),
        }
    return [*found, *_some(logged)]


def _some(rows: Mapping[str, int]) -> list[Due]:
    return [Due(name=name, rows=count) for name, count in rows.items() if count]


def run() -> list[Due]:
    """One bounded pass; what it dropped, and what it would have."""
    config = settings.load()
    with db.begin() as tx:
        now = clock.now()
        missing = partitions.missing(tx, now)
        old = partitions.old(tx, limits(now))
    still = [f"{table} of {start:%Y-%m-%d}" for table, start in missing if not _create(table, start)]
    gone = [_drop(one) for one in old]
    with db.begin() as tx:
        expired = idempotency.drop_expired(tx, config.pass_size)
        send_limits.drop_before(tx, now - _LONGEST_PERIOD, config.pass_size)
        logged = {
            "audit_event": audit.drop_before(tx, audit_limit(now), config.pass_size),
            "preference_log": preference_logs.drop_before(tx, preference_limit(now), config.pass_size),
        }
        inbound_events.drop_before(tx, limits(now)["message_event"], config.pass_size)
        refusals.drop_before(tx, limits(now)["message_event"], config.pass_size)
        bulk_jobs.drop_before(
            tx,
            before=ids.earliest(now - _UNSENT_JOBS),
            sent_before=ids.earliest(limits(now)["request"]),
            size=_JOBS,
        )
        heartbeats.beat(tx, heartbeats.RETENTION)
    dropped = [one.name for one in gone if not one.kept]
    kept = {one.name: one.kept for one in gone if one.kept}
    _log.info(
        "retention.dropped",
        partitions_dropped=dropped,
        kept=kept,
        partitions_missing=still,
        idempotency_keys_dropped=expired,
        audit_events_dropped=logged["audit_event"],
        preference_changes_dropped=logged["preference_log"],
    )
    return [*gone, *_some(logged)]


# Each in a transaction of its own: the lock on a table is given back before the next one is asked for.


def _create(table: str, start: datetime) -> bool:
    with db.begin() as tx:
        return partitions.create(tx, table, start)


def _drop(one: Partition) -> Due:
    with db.begin() as tx:
        if partitions.is_unfinished(tx, one):
            return _due(one, UNFINISHED)
        return _due(one, None if partitions.drop(tx, one) else IN_USE)


def _due(one: Partition, kept: str | None) -> Due:
    return Due(name=one.name, rows=one.rows, bytes=one.bytes, kept=kept)
