"""Bulk jobs: a message, and the users who are gathered for it before it is run."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text

from notify.model.names import Mode, World
from notify.store import bulk, tables
from notify.store.db import Tx
from notify.store.tables import bulk_job


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """``request_id``: what its run has made. ``after``: the last of its users that has a message."""

    id: UUID
    world: World
    definition: dict[str, Any]
    mode: Mode
    received: int
    created_at: datetime
    request_id: UUID | None
    enqueued: int
    after: int
    done: bool
    error: str | None


@dataclass(frozen=True, slots=True)
class User:
    seq: int
    given: dict[str, Any]


def create(tx: Tx, world: World, id_: UUID, definition: dict[str, Any], mode: Mode) -> None:
    tx.execute(insert(bulk_job).values(id=id_, world=world, definition=definition, mode=mode))


_GET = text("""
    SELECT j.id, j.world, j.definition, j.mode, j.received, j.created_at, j.request_id,
      coalesce(r.expanded, 0) AS enqueued, r.expand_after AS after, r.expanded_at IS NOT NULL AS done,
      r.expand_error AS error
    FROM bulk_job j LEFT JOIN request r ON r.id = j.request_id
    WHERE j.id = :id AND j.world = :world
""")


def get(tx: Tx, world: World, id_: UUID) -> Job | None:
    """The job, and how far it has come."""
    row = tx.execute(_GET, {"id": id_, "world": world}).one_or_none()
    if row is None:
        return None
    read = {"world": World(row.world), "mode": Mode(row.mode), "after": int(row.after or 0)}
    return Job(**{**row._mapping, **read})


_HOLD = text("SELECT FROM bulk_job WHERE id = :id AND world = :world FOR UPDATE")


def hold(tx: Tx, world: World, id_: UUID) -> Job | None:
    """The job, and nobody adds to it or runs it before this transaction ends."""
    found = tx.execute(_HOLD, {"id": id_, "world": world}).first()
    return None if found is None else get(tx, world, id_)


_ADD = text(f"""
    INSERT INTO bulk_user (job_id, key, given)
    SELECT job_id, key, given FROM {bulk.recordset(tables.bulk_user, ("job_id", "key", "given"))}
    ON CONFLICT (job_id, key) WHERE key IS NOT NULL DO NOTHING
    RETURNING key
""")
_COUNT = text("UPDATE bulk_job SET received = received + :added WHERE id = :id")


def add(tx: Tx, id_: UUID, users: Sequence[tuple[str | None, dict[str, Any]]]) -> set[str | None]:
    """Add users by their keys; the keys of those that are new. Needs the job held."""
    rows = [{"job_id": id_, "key": key, "given": given} for key, given in users]
    added = tx.execute(_ADD, {"rows": bulk.dumps(rows)}).scalars().all() if rows else []
    tx.execute(_COUNT, {"id": id_, "added": len(added)})
    return set(added)


_RUN = text("UPDATE bulk_job SET request_id = :request_id WHERE id = :id")


def run(tx: Tx, id_: UUID, request_id: UUID) -> None:
    """Note the request that sends it. Needs the job held."""
    tx.execute(_RUN, {"id": id_, "request_id": request_id})


_USERS = "SELECT seq, given FROM bulk_user WHERE job_id = :id AND seq > :after ORDER BY seq LIMIT :size"
_ALL = text(_USERS)
_OF_REQUEST = text(f"""
    SELECT found.* FROM bulk_job j CROSS JOIN LATERAL ({_USERS}) AS found
    WHERE j.id = :id AND j.world = :world AND j.request_id = :request_id ORDER BY found.seq
""")


def users(tx: Tx, id_: UUID, *, after: int, size: int) -> list[User]:
    """The job's users, in the order they came."""
    return [User(row.seq, row.given) for row in tx.execute(_ALL, {"id": id_, "after": after, "size": size})]


def users_of_request(
    tx: Tx, world: World, id_: UUID, request_id: UUID, *, after: int, size: int
) -> list[User]:
    """Likewise, if this is the request that the job's run has made; else nobody."""
    asked = {"id": id_, "world": world, "request_id": request_id, "after": after, "size": size}
    return [User(row.seq, row.given) for row in tx.execute(_OF_REQUEST, asked)]


_DATA_BY_LOCALE = text("SELECT definition -> 'locale' FROM bulk_job WHERE id = :id")


def data_by_locale(tx: Tx, id_: UUID) -> dict[str, Any]:
    """What the job's data is besides, for users of each locale."""
    return tx.execute(_DATA_BY_LOCALE, {"id": id_}).scalar_one_or_none() or {}


_OLD = """
    SELECT id FROM bulk_job
    WHERE id < :before AND (request_id IS NULL OR request_id < :sent_before) ORDER BY id LIMIT :size
"""
_DROP_USERS = text(f"DELETE FROM bulk_user WHERE job_id IN ({_OLD})")
_DROP = text(f"DELETE FROM bulk_job WHERE id IN ({_OLD})")


def drop_before(tx: Tx, *, before: UUID, sent_before: UUID, size: int) -> int:
    """Forget jobs made before, and not run, or run before ``sent_before``; how many."""
    asked = {"before": before, "sent_before": sent_before, "size": size}
    tx.execute(_DROP_USERS, asked)
    return tx.execute(_DROP, asked).rowcount
