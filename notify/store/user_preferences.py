"""What users chose about topics; and all that is said about the topics of a batch of messages."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import delete, select, text, tuple_

from notify import clock
from notify.model.names import World
from notify.model.preference import Choice, Consent, Said, channels
from notify.store import bulk
from notify.store.db import Tx
from notify.store.tables import user_preference
from notify.store.tenant_lines import MAX_DEPTH

EVERYWHERE = ""
"""The tenant of what a user wants in all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """What a user chose of a topic. ``until``: of an opt-out that ends by itself."""

    topic_id: str
    status: Consent
    custom: bool | None = None
    routing: tuple[str, ...] = ()
    digest_schedule_id: str | None = None
    until: datetime | None = None


_table = user_preference
_HOLD = text("SELECT pg_advisory_xact_lock(hashtextextended('preferences ' || :world || ' ' || :user_id, 0))")


def hold(tx: Tx, world: World, user_id: str) -> None:
    """Nobody else changes what the user wants before this transaction ends."""
    tx.execute(_HOLD, {"world": world, "user_id": user_id})


def of_user(tx: Tx, world: World, user_id: str, tenant_id: str) -> dict[str, Override]:
    """What the user chose in a tenant (or ``EVERYWHERE``), by topic."""
    query = select(_table).where(
        _table.c.world == world, _table.c.user_id == user_id, _table.c.tenant_id == tenant_id
    )
    return {row.topic_id: _read(row) for row in tx.execute(query)}


def _read(row: Any) -> Override:
    return Override(
        topic_id=row.topic_id,
        status=Consent(row.status),
        custom=row.has_custom_routing,
        routing=tuple(row.custom_routing or ()),
        digest_schedule_id=row.digest_schedule_id,
        until=row.until,
    )


_NAMES = (
    "world", "user_id", "tenant_id", "topic_id", "status", "has_custom_routing", "custom_routing",
    "digest_schedule_id", "until",
)  # fmt: skip
_CHANGED = ("status", "has_custom_routing", "custom_routing", "digest_schedule_id", "until")
_PUT = text(f"""
    INSERT INTO user_preference ({", ".join(_NAMES)})
    SELECT {", ".join(_NAMES)} FROM {bulk.recordset(_table, _NAMES)}
    ON CONFLICT (world, user_id, topic_id, tenant_id) DO UPDATE
    SET {", ".join(f"{name} = excluded.{name}" for name in _CHANGED)}, updated_at = now()
""")


def put(tx: Tx, world: World, user_id: str, tenant_id: str, wanted: Sequence[Override]) -> None:
    """Set what the user wants of these topics."""
    rows = [
        {
            "world": world,
            "user_id": user_id,
            "tenant_id": tenant_id,
            "topic_id": one.topic_id,
            "status": one.status,
            "has_custom_routing": one.custom,
            "custom_routing": list(one.routing),
            "digest_schedule_id": one.digest_schedule_id,
            "until": one.until,
        }
        for one in wanted
    ]
    if rows:
        tx.execute(_PUT, {"rows": bulk.dumps(rows)})


def drop(tx: Tx, world: World, user_id: str, tenant_id: str, topic_ids: Collection[str]) -> None:
    """Have the defaults of these topics hold again."""
    wanted = [(world, user_id, tenant_id, topic_id) for topic_id in sorted(topic_ids)]
    keys = (_table.c.world, _table.c.user_id, _table.c.tenant_id, _table.c.topic_id)
    if wanted:
        tx.execute(delete(_table).where(tuple_(*keys).in_(wanted)))


# --- what is said of the topics of many messages


class Asked(NamedTuple):
    """A topic and a recipient. ``list_id``: the list they were found through."""

    key: UUID | str
    world: World
    topic_id: str
    user_id: str | None
    tenant_id: str | None
    list_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """``lists``: preferences of the list and of the subscription, as they are stored."""

    said: Said
    lists: Sequence[Mapping[str, Any]]


_FIELDS = "'status', p.status, 'custom', p.has_custom_routing, 'routing', p.custom_routing"
_LOAD = text(f"""
    SELECT r.key, d.tenants, u.own, l.preferences AS list, s.preferences AS subscription
    FROM json_to_recordset(CAST(:rows AS json)) AS r(
      key text, world text, topic_id text, user_id text, tenant_id text, list_id text
    )
    LEFT JOIN LATERAL (
      WITH RECURSIVE line AS (
        SELECT id, parent_id, 0 AS depth FROM tenant WHERE world = r.world AND id = r.tenant_id
        UNION ALL
        SELECT t.id, t.parent_id, depth + 1
        FROM line JOIN tenant t ON t.world = r.world AND t.id = line.parent_id WHERE depth < {MAX_DEPTH}
      )
      SELECT jsonb_agg(jsonb_build_object({_FIELDS}) ORDER BY depth DESC) AS tenants
      FROM line
      JOIN tenant_preference p ON p.world = r.world AND p.tenant_id = line.id AND p.topic_id = r.topic_id
    ) d ON r.tenant_id IS NOT NULL
    LEFT JOIN LATERAL (
      SELECT jsonb_agg(jsonb_build_object({_FIELDS}, 'until', p.until) ORDER BY p.tenant_id) AS own
      FROM user_preference p
      WHERE p.world = r.world AND p.user_id = r.user_id AND p.topic_id = r.topic_id
        AND p.tenant_id IN ('', coalesce(r.tenant_id, ''))
    ) u ON true
    LEFT JOIN recipient_list l ON l.world = r.world AND l.id = r.list_id
    LEFT JOIN list_subscription s ON s.world = r.world AND s.list_id = r.list_id AND s.user_id = r.user_id
""")


def said(tx: Tx, wanted: Collection[Asked]) -> dict[str, Found]:
    """All that is stored, by key, in one statement."""
    if not wanted:
        return {}
    rows = tx.execute(_LOAD, {"rows": bulk.dumps([one._asdict() for one in wanted])})
    return {row.key: _found(row) for row in rows}


def _found(row: Any) -> Found:
    layers = [[_choice(one) for one in found or ()] for found in (row.tenants, row.own)]
    lists = [preferences for preferences in (row.list, row.subscription) if preferences]
    return Found(said=Said(tenants=layers[0], user=layers[1]), lists=lists)


def _choice(found: Mapping[str, Any]) -> Choice:
    until = datetime.fromisoformat(found["until"]) if found.get("until") else None
    over = until is not None and until <= clock.now()
    return Choice(
        # What was put off is as if opted in afterwards.
        status=Consent.OPTED_IN if over else Consent(found["status"]),
        custom=found["custom"],
        routing=channels(found["routing"]),
        until=None if over else until,
    )
