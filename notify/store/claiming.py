"""Claims: rows of the work table taken by one process, for as long as its lease lasts.

A claim is one compare-and-set: rows somebody else holds are skipped, rows past the stage do not match, so
a duplicate, late or lost task is harmless.
"""

import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PgUuid

from notify import clock
from notify.model.names import World
from notify.model.work import Claim, Place, Wait
from notify.store import cache, db
from notify.store.db import Tx

_IDS = bindparam("ids", type_=ARRAY(PgUuid))

_PLACE = "stage = :stage AND channel = :channel AND lane = :lane"
# The same, for rows that are found by their ids.
_BY_ID = "stage || '' = :stage AND channel || '' = :channel AND lane || '' = :lane"
# The same, written as the indexes over leases and over shares have it: the one over due times must not be
# taken for them.
_HELD_PLACE = "stage || channel || lane = :place AND lease_until > '-infinity'"
_SHARED_PLACE = "stage || channel || lane = :place AND NOT parked"
_FREE = """due_at <= now() AND lease_until = '-infinity' AND id <> ALL(:ids)
        AND NOT EXISTS (SELECT FROM orphan)"""
# A server that has just started gives those whose leases ended meanwhile the time to come back for them. And
# whoever was kept waiting for this very claim was not the only one: the living could not renew theirs either.
_ENDED = """lease_until <= now() AND due_at <= now()
        AND now() <= :asked_at + make_interval(secs => :hanging_s)
        AND pg_postmaster_start_time() <= now() - make_interval(secs => :return_s)"""

# A free row's lease is -infinity; an older one that has ended belonged to a process that died. Such rows go
# before all others, few together, and alone after a second death: one that kills its worker is found, and
# takes few neighbours along. Whoever claims next at the place looks for them: they wait for no wake-up.
#
# Of the rest of the batch each sharer with work at this place gets the same part, the oldest of its rows;
# what is left over goes to the oldest rows of all. The next sharer is one look into an index, and the claim
# after this one begins behind the last that was looked at, so that no number of them starves anybody.
#
# Written for a planner that knows nothing (the table was empty when it last looked) or too much (a batch is
# few rows, whatever it believes): rows told of and rows taken are found by their ids.
_CLAIM = text(f"""
    WITH RECURSIVE dead AS MATERIALIZED (
      SELECT id, lost FROM work WHERE {_HELD_PLACE} AND {_ENDED} ORDER BY lease_until LIMIT :looked
    ), orphan AS MATERIALIZED (
      SELECT id, waits_for FROM work
      WHERE id = ANY(ARRAY(SELECT id FROM dead)) AND {_BY_ID} AND lease_until > '-infinity' AND {_ENDED}
      ORDER BY lost DESC, due_at
      LIMIT (SELECT CASE WHEN max(lost) > 0 THEN least(1, :together) ELSE :together END FROM dead)
      FOR UPDATE SKIP LOCKED
    ), told AS (
      SELECT id, waits_for FROM work
      WHERE id = ANY(:ids) AND {_BY_ID} AND due_at <= now() AND lease_until = '-infinity'
        AND NOT EXISTS (SELECT FROM orphan)
      FOR UPDATE SKIP LOCKED
    ), following AS (
      (SELECT share FROM work WHERE {_SHARED_PLACE} AND share > :after ORDER BY share LIMIT 1)
      UNION ALL
      SELECT (
        SELECT share FROM work WHERE {_SHARED_PLACE} AND share > following.share ORDER BY share LIMIT 1
      ) FROM following WHERE following.share IS NOT NULL
    ), sharer AS MATERIALIZED (
      SELECT share FROM following WHERE share IS NOT NULL LIMIT :sharers
    ), shared AS (
      SELECT part.id, part.waits_for FROM sharer CROSS JOIN LATERAL (
        SELECT id, waits_for FROM work WHERE {_SHARED_PLACE} AND share = sharer.share AND {_FREE}
        ORDER BY due_at LIMIT :more / (SELECT greatest(count(*), 1) FROM sharer) FOR UPDATE SKIP LOCKED
      ) AS part
    ), oldest AS (
      SELECT id, waits_for FROM work WHERE {_PLACE} AND {_FREE} AND id NOT IN (SELECT id FROM shared)
      ORDER BY due_at LIMIT :more - (SELECT count(*) FROM shared) FOR UPDATE SKIP LOCKED
    ), taken AS MATERIALIZED (
      SELECT id, true AS lost, waits_for FROM orphan UNION ALL SELECT id, false, waits_for FROM told
      UNION ALL SELECT id, false, waits_for FROM shared UNION ALL SELECT id, false, waits_for FROM oldest
    )
    UPDATE work SET lease_until = now() + make_interval(secs => :lease_s), parked = false, waits_for = NULL,
      attempt = work.attempt + 1, lost = work.lost + CAST(claimed.lost AS integer)
    FROM unnest(
      ARRAY(SELECT id FROM taken), ARRAY(SELECT lost FROM taken), ARRAY(SELECT waits_for FROM taken)
    ) AS claimed(id, lost, waits_for)
    WHERE work.id = claimed.id
    RETURNING work.id, message_id, world, attempt, work.lost, claimed.waits_for AS waited,
      (SELECT version FROM config_version) AS config_version,
      (SELECT max(share) FROM sharer HAVING count(*) = :sharers) AS last_sharer
""").bindparams(_IDS)

_LOOKED = 100
"""How many rows of dead processes a claim looks at, to find those that have killed before."""
RETURN_S = 4.0
"""What the living have, once the database is back, to record what they did and to renew their leases."""
_TOGETHER = 10
"""Rows of dead processes claimed at once, the first time."""
_SHARERS = 20
"""Who gets a part of one claim at most; the others have their turn with the next ones."""

_after: dict[Place, str] = {}
"""Behind whom this process's next claim begins."""


def claim(tx: Tx, place: Place, ids: Sequence[UUID], *, size: int, lease_s: float) -> list[Claim]:
    """Hold the rows of ``place`` that are ready, ``size`` at most: up to half of them those told of, and of
    everybody's oldest in equal parts.

    What the cache keeps is as new as the claim.
    """
    told = list(ids[: (size + 1) // 2])
    parameters = {
        "ids": told,
        "more": size - len(told),
        "lease_s": lease_s,
        "sharers": _SHARERS,
        "looked": _LOOKED,
        # Likewise for a server that was out of reach: the living have lost their leases, too.
        "together": _TOGETHER if db.calm_s() >= RETURN_S else 0,
        "return_s": RETURN_S,
        "asked_at": clock.now(),
        "hanging_s": db.HANGING_S,
        "after": _after.get(place, ""),
        "place": f"{place.stage}{place.channel or ''}{place.lane}",
        "stage": place.stage,
        "channel": place.channel or "",
        "lane": place.lane,
    }
    since = time.monotonic()
    rows = tx.execute(_CLAIM, parameters).all()
    _after[place] = (rows[0].last_sharer if rows else None) or ""
    if rows:
        cache.see(rows[0].config_version)
    return [_claim(row, place, since + lease_s) for row in rows]


def _claim(row: Row[Any], place: Place, until: float) -> Claim:
    return Claim(
        id=row.id,
        message_id=row.message_id,
        world=World(row.world),
        place=place,
        attempt=row.attempt,
        lost=row.lost,
        waited=Wait(row.waited) if row.waited else None,
        until=until,
    )
