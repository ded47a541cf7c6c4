"""Pauses, what they hold, and how it is let go: in order, its timeouts moved by the time it was held."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text, update

from notify.model.names import Channel, Lane, World
from notify.model.pause import Pause, PauseKind, Subject
from notify.model.work import Claim, Place, Stage, Wait, Wake
from notify.store import bulk, cache, tables
from notify.store.db import Tx
from notify.store.tables import pause


def _read(row: Any) -> Pause:
    return Pause(**{**row._mapping, "world": World(row.world), "kind": PauseKind(row.kind)})


def in_force(tx: Tx) -> Sequence[Pause]:
    """Every pause that holds, in the order they were made; cached."""
    return cache.get("pauses", lambda: tuple(_in_force(tx))) or ()


def _in_force(tx: Tx) -> list[Pause]:
    query = select(pause).where(pause.c.resumed_at.is_(None)).order_by(pause.c.id)
    return [_read(row) for row in tx.execute(query)]


def find(tx: Tx, world: World) -> list[Pause]:
    """The pauses of a world, those included that are still letting go what they held."""
    query = select(pause).where(pause.c.world == world).order_by(pause.c.id)
    return [_read(row) for row in tx.execute(query)]


def get(tx: Tx, world: World, kind: PauseKind, key: str) -> Pause | None:
    """The pause in force of a subject."""
    query = select(pause).where(
        pause.c.world == world, pause.c.kind == kind, pause.c.key == key, pause.c.resumed_at.is_(None)
    )
    row = tx.execute(query).one_or_none()
    return _read(row) if row else None


def add(tx: Tx, new: Pause) -> None:
    """Pause; who is second changes nothing."""
    values = {name: getattr(new, name) for name in pause.c.keys()}  # noqa: SIM118  # no mapping
    tx.execute(insert(pause).values(values))
    cache.changed(tx)


def resume(tx: Tx, world: World, id_: UUID) -> Pause | None:
    """Hold nothing new; None when no such pause is in force."""
    query = update(pause).where(pause.c.world == world, pause.c.id == id_, pause.c.resumed_at.is_(None))
    row = tx.execute(query.values(resumed_at=text("now()")).returning(pause)).one_or_none()
    cache.changed(tx)
    return _read(row) if row else None


_COUNTS = text("""
    SELECT provider_id AS id, count(*) AS held FROM work WHERE provider_id = ANY(:ids) AND waits_for = :wait
    GROUP BY provider_id
""")


def counts(tx: Tx, pauses: Iterable[Pause]) -> dict[UUID, int]:
    """How much each of them holds."""
    wanted = [each.id for each in pauses]
    rows = tx.execute(_COUNTS, {"ids": wanted, "wait": Wait.PAUSE}) if wanted else ()
    return {row.id: row.held for row in rows}


_SUBJECTS = text(f"""
    SELECT r.id, coalesce(m.request_id, r.message_id) AS request_id, m.tenant_id, d.provider_id
    FROM {bulk.recordset(tables.work, ("id", "message_id"))}
    LEFT JOIN message m ON m.id = r.message_id AND m.id BETWEEN :low AND :high
    LEFT JOIN delivery d ON d.message_id = r.message_id AND d.id = r.id
      AND d.message_id BETWEEN :low AND :high
""")


def subjects(tx: Tx, claims: Sequence[Claim]) -> dict[UUID, Subject]:
    """What these claims belong to, by their ids; a request that is not expanded yet is its own."""
    asked = bulk.dumps([{"id": claim.id, "message_id": claim.message_id} for claim in claims])
    within = [claim.message_id for claim in claims]
    rows = tx.execute(_SUBJECTS, {"rows": asked, "low": min(within), "high": max(within)})
    return {
        row.id: Subject(request_id=row.request_id, tenant_id=row.tenant_id, provider_id=row.provider_id)
        for row in rows
    }


# Not infinity, which no datetime can hold.
_HOLD = text(f"""
    UPDATE work SET was_due = work.due_at, due_at = '9000-01-01Z', parked = false, lease_until = '-infinity',
      provider_id = r.provider_id, waits_for = r.waits_for
    FROM {bulk.recordset(tables.work, ("id", "provider_id", "waits_for"))} WHERE work.id = r.id
""")


def hold(tx: Tx, held: Mapping[UUID, Pause]) -> None:
    """Lay claimed work aside until its pause is resumed."""
    rows = [{"id": id_, "provider_id": by.id, "waits_for": Wait.PAUSE} for id_, by in held.items()]
    tx.execute(_HOLD, {"rows": bulk.dumps(rows)})


_ONE_AT_A_TIME = text("SELECT pg_try_advisory_xact_lock(7024119)")
_RESUMED = text("""
    SELECT id, paused_at, resumed_at < now() - interval '10 minutes' AS is_old FROM pause
    WHERE resumed_at IS NOT NULL ORDER BY resumed_at
""")
# Single sends before bulk, the oldest message first, as they would have gone; they are due since they were.
_RELEASE = text("""
    UPDATE work SET due_at = chosen.was_due, was_due = NULL, provider_id = NULL, waits_for = NULL
    FROM (
      SELECT id, was_due FROM work WHERE provider_id = :pause AND waits_for = :wait
      ORDER BY lane DESC, message_id LIMIT :size FOR UPDATE SKIP LOCKED
    ) AS chosen
    WHERE work.id = chosen.id
    RETURNING work.id, message_id, stage, lane, channel, now() - greatest(chosen.was_due, :paused_at) AS held
""")
_DROP = text("""
    DELETE FROM pause WHERE id = :pause
      AND NOT EXISTS (SELECT FROM work WHERE provider_id = :pause AND waits_for = :wait)
""")
# A channel's time began with its first provider, so all of its deliveries move.
_MOVE_STARTS = text("""
    UPDATE delivery d SET started_at = d.started_at + r.held
    FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid, message_id uuid, held interval)
    JOIN delivery mine ON mine.message_id = r.message_id AND mine.id = r.id
      AND mine.message_id BETWEEN :low AND :high
    WHERE d.message_id = r.message_id AND d.leaf = mine.leaf AND d.message_id BETWEEN :low AND :high
""")
_MOVE_DEADLINES = text("""
    UPDATE message_plan p
    SET plan = jsonb_set(p.plan, '{deadline}', to_jsonb((p.plan ->> 'deadline')::timestamptz + r.held))
    FROM (
      SELECT message_id, max(held) AS held
      FROM json_to_recordset(CAST(:rows AS json)) AS r(message_id uuid, held interval) GROUP BY message_id
    ) AS r
    WHERE p.message_id = r.message_id AND p.message_id BETWEEN :low AND :high
""")


def release(tx: Tx, size: int) -> tuple[int, list[Wake]]:
    """Let go up to ``size`` pieces of work of pauses that were resumed: how many, and wake-ups for them.

    A stage that is laying work aside just now may not know of the end of the pause yet; so a resumed pause
    is forgotten only when it has held nothing for a while.
    """
    if not tx.execute(_ONE_AT_A_TIME).scalar_one():
        return 0, []
    for resumed in tx.execute(_RESUMED).all():
        parameters = {"pause": resumed.id, "wait": Wait.PAUSE}
        chosen = {**parameters, "paused_at": resumed.paused_at, "size": size}
        if rows := tx.execute(_RELEASE, chosen).all():
            _move_timeouts(tx, rows)
            places = {_place(row) for row in rows}
            return len(rows), [Wake(place=place, ids=()) for place in places]
        if resumed.is_old:
            tx.execute(_DROP, parameters)
    return 0, []


def _move_timeouts(tx: Tx, rows: Sequence[Any]) -> None:
    begun = [row for row in rows if row.stage in {Stage.DELIVER, Stage.ESCALATE}]
    if not begun:
        return
    within = [row.message_id for row in begun]
    held = [
        {"id": row.id, "message_id": row.message_id, "held": f"{row.held.total_seconds():.6f} seconds"}
        for row in begun
    ]
    parameters = {"rows": bulk.dumps(held), "low": min(within), "high": max(within)}
    tx.execute(_MOVE_STARTS, parameters)
    tx.execute(_MOVE_DEADLINES, parameters)


def _place(row: Any) -> Place:
    channel = Channel(row.channel) if row.channel else None
    return Place(stage=Stage(row.stage), lane=Lane(row.lane), channel=channel)
