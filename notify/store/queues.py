"""The state of the queues, as the work table has it: how much waits at each place, and since when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import text

from notify.model.names import Lane
from notify.model.work import Place, Stage
from notify.store import bulk
from notify.store.db import Tx
from notify.store.tables import work

COUNTED = 10_000
"""Rows of one place that are looked at, the oldest first: a longer queue shows as this long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """What is at one place.

    ``depth``: rows by state. ``ready``: may be claimed; ``held``: somebody is at work on it; ``lost``:
    somebody was, and died; ``later``: due later, its wake-up published; ``parked``: due later, up to the
    dispatcher; ``paused``: held back by people. ``oldest_s``: for how long the oldest ready row has been due.
    ``overdue_s``: for how long work has been the reconciler's to wake up.
    """

    place: Place
    depth: Mapping[str, int]
    oldest_s: float
    overdue_s: float


_STATE = """
    CASE WHEN lease_until > now() THEN 'held' WHEN lease_until > '-infinity' THEN 'lost'
      WHEN waits_for = 'pause' THEN 'paused' WHEN parked THEN 'parked' WHEN due_at > now() THEN 'later'
      ELSE 'ready' END
"""
STATES = ("ready", "held", "lost", "later", "parked", "paused")

# Each place through its own stretch of the index, as the reconciler does.
_QUEUES = text(f"""
    SELECT r.stage, r.lane, r.channel, found.*
    FROM {bulk.recordset(work, ("stage", "lane", "channel"))}
    CROSS JOIN LATERAL (
      SELECT {", ".join(f"count(*) FILTER (WHERE state = '{state}') AS {state}" for state in STATES)},
        extract(epoch FROM now() - min(due_at) FILTER (WHERE state = 'ready')) AS oldest_s,
        extract(epoch FROM now() - min(lease_until) FILTER (WHERE state = 'lost')) AS lost_s
      FROM (
        SELECT due_at, lease_until, {_STATE} AS state FROM work
        WHERE stage = r.stage AND channel = r.channel AND lane = r.lane ORDER BY due_at LIMIT :counted
      ) AS oldest
    ) AS found
""")


def states(tx: Tx, places: Iterable[Place], counted: int = COUNTED) -> list[Queue]:
    """Every place's queue, the empty ones included."""
    asked = {(place.stage, place.channel or "", place.lane): place for place in places}
    rows = bulk.dumps([{"stage": stage, "channel": channel, "lane": lane} for stage, channel, lane in asked])
    return [
        Queue(
            place=asked[row.stage, row.channel, row.lane],
            depth={state: getattr(row, state) for state in STATES},
            oldest_s=max(0.0, float(row.oldest_s or 0)),
            # Where somebody is at work the oldest rows are next; nobody has to be woken up for them.
            overdue_s=max(0.0, float(row.lost_s or 0), 0.0 if row.held else float(row.oldest_s or 0)),
        )
        for row in tx.execute(_QUEUES, {"rows": rows, "counted": counted})
    ]


_UNFINISHED = text("SELECT n_live_tup FROM pg_stat_user_tables WHERE relname = 'work'")


def unfinished(tx: Tx) -> int:
    """All work rows, as PostgreSQL's statistics have it: near enough, and it costs nothing."""
    return int(tx.execute(_UNFINISHED).scalar_one())


_IN_TIME = text("SET LOCAL statement_timeout TO '3s'")


def limit_time(tx: Tx) -> None:
    """What takes longer in this transaction fails: who watches must not get in the way of work."""
    tx.execute(_IN_TIME)


_LATE = text("SELECT extract(epoch FROM now() - min(due_at)) FROM work WHERE parked AND due_at <= now()")


def dispatcher_lag_s(tx: Tx) -> float:
    """For how long the oldest parked work has been due: the dispatcher should have published it before."""
    return float(tx.execute(_LATE).scalar_one() or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strain:
    """``oldest_s``: how long the oldest row has been ready at some stages. ``unfinished``: all work rows."""

    oldest_s: float
    unfinished: int


# The oldest of a place are those under way; nobody holds more than the first of them.
_STRAIN = text("""
    SELECT max(extract(epoch FROM now() - first.due_at)) AS oldest_s,
      pg_stat_get_live_tuples(CAST('work' AS regclass)) AS unfinished
    FROM unnest(CAST(:stages AS text[])) AS s(stage)
    CROSS JOIN LATERAL (
      SELECT due_at FROM (
        SELECT due_at, lease_until, waits_for FROM work
        WHERE stage = s.stage AND channel = '' AND lane = :lane AND due_at <= now()
        ORDER BY due_at LIMIT :looked
      ) AS oldest
      WHERE lease_until = '-infinity' AND waits_for IS DISTINCT FROM 'pause' ORDER BY due_at LIMIT 1
    ) AS first
""")
_LOOKED = 2000


def strain(tx: Tx, stages: Iterable[Stage], lane: Lane) -> Strain:
    """How far behind these stages are, and how much there is altogether: cheap enough for every second."""
    row = tx.execute(_STRAIN, {"stages": list(stages), "lane": lane, "looked": _LOOKED}).one()
    return Strain(oldest_s=max(0.0, float(row.oldest_s or 0)), unfinished=int(row.unfinished or 0))
