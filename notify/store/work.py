"""The work table: what claims hold, and the hand-over from one stage to the next; ``claiming`` takes from it.

Time is the database's: one clock for every machine.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PgUuid

from notify import clock
from notify.model.names import Channel, Lane
from notify.model.work import Claim, Place, PutOff, Stage, Wait, Wake, Work
from notify.store import bulk
from notify.store.db import Tx
from notify.store.tables import work

_IDS = bindparam("ids", type_=ARRAY(PgUuid))


# Attempts only grow while a row stays in its stage, and a row never comes back to a stage it has left. A row
# given back to its stage for a later try keeps its attempt, but is nobody's.
HELD = f"""{bulk.recordset(work, ("id", "stage", "attempt"))}
      JOIN work USING (id, stage, attempt) WHERE lease_until > '-infinity'"""
"""The rows that claims still hold; the parameter is ``held_by``."""

_FENCE = text(f"SELECT work.id FROM {HELD} ORDER BY work.id FOR UPDATE OF work")


def fence(tx: Tx, claims: Sequence[Claim]) -> set[UUID]:
    """Lock the rows that are still held by these claims; what another attempt took over is left out."""
    return set(tx.execute(_FENCE, {"rows": held_by(claims)}).scalars())


# Whoever has a row locked records it, or is about to: nobody waits for the other, and nobody else claims it.
_RENEW = text(f"""
    UPDATE work SET lease_until = now() + make_interval(secs => :lease_s)
    WHERE id = ANY(ARRAY(
      SELECT work.id FROM {HELD} FOR UPDATE OF work SKIP LOCKED
    )) RETURNING id
""")


def renew(tx: Tx, claims: Iterable[Claim], lease_s: float) -> set[UUID]:
    """Keep holding the rows for ``lease_s`` seconds from now; return which are still held by these claims."""
    return set(tx.execute(_RENEW, {"rows": held_by(claims), "lease_s": lease_s}).scalars())


def held_by(claims: Iterable[Claim]) -> str:
    """The parameter of ``HELD``."""
    return bulk.dumps(
        [{"id": claim.id, "stage": claim.place.stage, "attempt": claim.attempt} for claim in claims]
    )


def add(tx: Tx, rows: Iterable[Work], *, horizon: datetime) -> None:
    """Write new work; what is due after ``horizon`` is parked until the dispatcher's turn."""
    bulk.insert(
        tx,
        work,
        [
            {
                "id": row.id,
                "message_id": row.message_id,
                "world": row.world,
                "due_at": _due(row.due_at),
                "parked": row.due_at > horizon,
                "share": f"{row.world}/{row.tenant_id or ''}",
                **_place(row.place),
            }
            for row in rows
        ],
    )


def _place(place: Place) -> dict[str, str]:
    return {"stage": place.stage, "lane": place.lane, "channel": place.channel or ""}


def _due(at: datetime) -> datetime | str:
    # What is due at once is so by the database's clock: ours may be ahead, and its wake-up find nothing.
    return at if at > clock.now() else "now"


_MOVE = text(f"""
    UPDATE work SET stage = r.stage, lane = r.lane, channel = r.channel, due_at = r.due_at,
      parked = r.due_at > :horizon, lease_until = '-infinity', lost = 0
    FROM {bulk.recordset(work, ("id", "stage", "lane", "channel", "due_at"))}
    WHERE work.id = r.id
""")


def move(tx: Tx, rows: Sequence[tuple[UUID, Place, datetime]], *, horizon: datetime) -> None:
    """Hand held rows to ``place``, due at the given time."""
    if rows:
        moved = [{"id": id_, "due_at": _due(due), **_place(place)} for id_, place, due in rows]
        tx.execute(_MOVE, {"rows": bulk.dumps(moved), "horizon": horizon})


_PUT_OFF = text(f"""
    UPDATE work SET due_at = r.due_at, parked = r.due_at > :horizon, provider_id = r.provider_id,
      waits_for = r.waits_for, lease_until = '-infinity', lost = 0
    FROM {bulk.recordset(work, ("id", "due_at", "provider_id", "waits_for"))}
    WHERE work.id = r.id
""")


def put_off(tx: Tx, rows: Sequence[PutOff], *, horizon: datetime) -> None:
    """Give held deliveries back to their place, for later."""
    if rows:
        waiting = [
            {"id": r.id, "due_at": _due(r.due_at), "provider_id": r.provider_id, "waits_for": r.wait}
            for r in rows
        ]
        tx.execute(_PUT_OFF, {"rows": bulk.dumps(waiting), "horizon": horizon})


# Single sends before bulk, and of each lane the oldest message first.
_HASTEN = text("""
    UPDATE work SET due_at = now(), parked = false WHERE id IN (
      SELECT found.id FROM json_to_recordset(CAST(:rows AS json)) AS r(provider_id uuid, size integer)
      CROSS JOIN LATERAL (
        SELECT id FROM work WHERE provider_id = r.provider_id AND waits_for = :wait AND due_at > :after
        ORDER BY lane DESC, message_id LIMIT r.size FOR UPDATE SKIP LOCKED
      ) AS found
    ) RETURNING stage, lane, channel
""")


def hasten(tx: Tx, wait: Wait, sizes: Mapping[UUID, int], *, after: datetime) -> list[Wake]:
    """Make due what waits for ``wait`` until later than ``after``; return wake-ups for where it is.

    Args:
        sizes: how many rows at most, by provider configuration.
    """
    if not sizes:
        return []
    asked = bulk.dumps([{"provider_id": id_, "size": size} for id_, size in sizes.items()])
    rows = tx.execute(_HASTEN, {"rows": asked, "wait": wait, "after": after})
    return [Wake(place=place, ids=()) for place in {_read_place(row) for row in rows}]


# Stage by stage, each through its own stretch of the index.
_BACKLOG = text("""
    SELECT count(*) FROM (
      SELECT FROM unnest(CAST(:stages AS text[])) AS s(stage)
      CROSS JOIN LATERAL (SELECT FROM work WHERE work.stage = s.stage AND lane = :lane LIMIT :most) AS found
      LIMIT :most
    ) AS counted
""")


def backlog(tx: Tx, stages: Sequence[Stage], lane: Lane, *, most: int) -> int:
    """How many rows wait or are worked on at these stages; counted up to ``most``."""
    asked = {"stages": list(stages), "lane": lane, "most": most}
    return int(tx.execute(_BACKLOG, asked).scalar_one())


def finish(tx: Tx, ids: Iterable[UUID]) -> None:
    """These rows have nothing left to do."""
    bulk.delete(tx, work, ids)


_COMING = text("""
    UPDATE work SET parked = false WHERE id IN (
      SELECT id FROM work WHERE parked AND due_at <= :horizon
      ORDER BY due_at LIMIT :size FOR UPDATE SKIP LOCKED
    ) RETURNING id, stage, lane, channel, due_at
""")


def coming(tx: Tx, *, horizon: datetime, size: int) -> list[Wake]:
    """Unpark what is due before ``horizon``: the wake-ups to publish for it."""
    rows = tx.execute(_COMING, {"horizon": horizon, "size": size})
    return [Wake(place=_read_place(row), ids=(row.id,), at=row.due_at) for row in rows]


# Each place is looked at through its own stretch of an index, so a long queue costs no more than a short one:
# the oldest rows of all, and those whose lease ended first, which may be anywhere in the queue.
_LEFT_BEHIND = text(f"""
    SELECT r.stage, r.lane, r.channel, late.ready, late.busy, dead.lost
    FROM {bulk.recordset(work, ("stage", "lane", "channel"))}
    CROSS JOIN LATERAL (
      SELECT array_agg(id) FILTER (WHERE lease_until = '-infinity') AS ready,
        bool_or(lease_until > now()) AS busy
      FROM (
        SELECT id, lease_until FROM work
        WHERE stage = r.stage AND channel = r.channel AND lane = r.lane
          AND due_at <= now() - make_interval(secs => :grace_s)
        ORDER BY due_at LIMIT :size
      ) AS oldest
    ) AS late
    CROSS JOIN LATERAL (
      SELECT array_agg(id) AS lost FROM (
        SELECT id FROM work
        WHERE stage || channel || lane = r.stage || r.channel || r.lane
          AND lease_until > '-infinity' AND lease_until <= now()
        ORDER BY lease_until LIMIT :size
      ) AS ended
    ) AS dead
    WHERE late.ready IS NOT NULL OR dead.lost IS NOT NULL
""")


def left_behind(tx: Tx, places: Iterable[Place], *, grace_s: float, size: int) -> list[Wake]:
    """Wake-ups for what dead processes have left, and for what has been ready for ``grace_s`` seconds.

    From each place ``size`` of either kind at most. The latter only where nobody is at work: whoever is will
    claim them next, so wake-ups do not pile up in front of a long queue.
    """
    asked = bulk.dumps([_place(place) for place in places])
    wakes = []
    for row in tx.execute(_LEFT_BEHIND, {"rows": asked, "grace_s": grace_s, "size": size}):
        place = _read_place(row)
        if row.lost:
            wakes.append(Wake(place=place, ids=tuple(row.lost)))
        if row.ready and not row.busy:
            wakes.append(Wake(place=place, ids=tuple(row.ready)))
    return wakes


def _read_place(row: Row[Any]) -> Place:
    channel = Channel(row.channel) if row.channel else None
    return Place(stage=Stage(row.stage), lane=Lane(row.lane), channel=channel)


# All of them are locked: a claim that is just being made has to be seen, and none may be made afterwards. An
# ended lease counts, too: whether its process made the call before it died is not known yet.
_HELD_DELIVERIES = text("""
    SELECT message_id, stage = 'deliver' AND lease_until > '-infinity' AS held FROM work
    WHERE message_id = ANY(:ids) ORDER BY id FOR UPDATE
""").bindparams(_IDS)


def being_sent(tx: Tx, message_ids: Sequence[UUID]) -> set[UUID]:
    """Lock the messages' work rows; of which of them a provider may be hearing at this moment."""
    rows = tx.execute(_HELD_DELIVERIES, {"ids": list(message_ids)})
    return {row.message_id for row in rows if row.held}


def is_being_sent(tx: Tx, message_id: UUID) -> bool:
    """``being_sent`` of one message."""
    return bool(being_sent(tx, [message_id]))


_DROP_MESSAGES = text("DELETE FROM work WHERE message_id = ANY(:ids) RETURNING id").bindparams(_IDS)


def drop_messages(tx: Tx, message_ids: Sequence[UUID]) -> set[UUID]:
    """Delete every work row of these messages (cancelled ones)."""
    return set(tx.execute(_DROP_MESSAGES, {"ids": list(message_ids)}).scalars())


_WITHDRAW = text("DELETE FROM work WHERE id = ANY(:ids) AND lease_until <= now()").bindparams(_IDS)
_BUSY = text("SELECT id FROM work WHERE id = ANY(:ids)").bindparams(_IDS)


def withdraw(tx: Tx, ids: Iterable[UUID]) -> set[UUID]:
    """Drop these rows but for those that somebody is at work on; return the latter."""
    wanted = list(ids)
    if not wanted:
        return set()
    tx.execute(_WITHDRAW, {"ids": wanted})
    return set(tx.execute(_BUSY, {"ids": wanted}).scalars())
