"""Send limits, topics exempt from them, and the counters of the current periods."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import text

from notify.model.names import World
from notify.model.send_limit import Guardrails, Period, Scope, SendLimit
from notify.store import bulk, cache, tables
from notify.store.db import Tx

_LIMITS = text("""
    SELECT scope, period, maximum, NULL AS topic_id FROM send_limit WHERE world = :world
    UNION ALL SELECT 'user_topic', period, maximum, topic_id FROM topic_limit WHERE world = :world
    ORDER BY scope, topic_id NULLS FIRST, period
""")
_EXEMPT = text("SELECT topic_id FROM send_limit_exempt WHERE world = :world")


def of_world(tx: Tx, world: World) -> Guardrails:
    """What is in force in a world (cached)."""
    found = cache.get(("send_limits", world), lambda: _read(tx, world))
    assert found is not None
    return found


def _read(tx: Tx, world: World) -> Guardrails:
    limits = (
        SendLimit(
            scope=Scope(row.scope), period=Period(row.period), maximum=row.maximum, topic_id=row.topic_id
        )
        for row in tx.execute(_LIMITS, {"world": world})
    )
    exempt = tx.execute(_EXEMPT, {"world": world}).scalars()
    return Guardrails(limits=tuple(limits), exempt=frozenset(exempt))


_SET = text("""
    INSERT INTO send_limit (world, scope, period, maximum) VALUES (:world, :scope, :period, :maximum)
    ON CONFLICT (world, scope, period) DO UPDATE SET maximum = excluded.maximum
""")
_SET_TOPIC = text("""
    INSERT INTO topic_limit (world, topic_id, period, maximum) VALUES (:world, :topic_id, :period, :maximum)
    ON CONFLICT (world, topic_id, period) DO UPDATE SET maximum = excluded.maximum
""")
_REMOVE = text("DELETE FROM send_limit WHERE world = :world AND scope = :scope AND period = :period")
_REMOVE_TOPIC = text(
    "DELETE FROM topic_limit WHERE world = :world AND topic_id = :topic_id AND period = :period"
)
_ADD_EXEMPT = text("INSERT INTO send_limit_exempt VALUES (:world, :topic_id) ON CONFLICT DO NOTHING")
_DROP_EXEMPT = text("DELETE FROM send_limit_exempt WHERE world = :world AND topic_id = :topic_id")


def put(tx: Tx, world: World, limit: SendLimit) -> None:
    """Set the limit of a scope and period, or of a topic and period."""
    tx.execute(_SET_TOPIC if limit.topic_id else _SET, {"world": world, **asdict(limit)})
    cache.changed(tx)


def remove(tx: Tx, world: World, scope: Scope, period: Period, topic_id: str | None = None) -> bool:
    """Lift a limit; whether there was one."""
    named = {"world": world, "scope": scope, "period": period, "topic_id": topic_id}
    gone = tx.execute(_REMOVE_TOPIC if topic_id else _REMOVE, named).rowcount
    cache.changed(tx)
    return bool(gone)


def exempt(tx: Tx, world: World, topic_id: str, *, exempted: bool) -> bool:
    """Exempt a topic from every limit, or no longer; whether that changed anything."""
    statement = _ADD_EXEMPT if exempted else _DROP_EXEMPT
    changed = tx.execute(statement, {"world": world, "topic_id": topic_id}).rowcount
    cache.changed(tx)
    return bool(changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What one limit counts of one user, tenant or world."""

    world: World
    scope: Scope
    period: Period
    subject: str


_COLUMNS = ("world", "scope", "period", "subject", "begins_at")
_KEY = "world, scope, period, subject"
# Ordered, as every lock on many rows. A clock that is behind at the turn of a period counts in the new one.
_HOLD = text(f"""
    INSERT INTO send_count AS c ({_KEY}, begins_at, count)
    SELECT {_KEY}, begins_at, 0 FROM {bulk.recordset(tables.send_count, _COLUMNS)} ORDER BY {_KEY}
    ON CONFLICT ({_KEY}) DO UPDATE SET
      count = CASE WHEN c.begins_at >= excluded.begins_at THEN c.count ELSE 0 END,
      begins_at = greatest(c.begins_at, excluded.begins_at)
    RETURNING {_KEY}, count AS counted
""")


def hold(tx: Tx, counters: Mapping[Counter, datetime]) -> dict[Counter, int]:
    """Lock these counters until the transaction ends; what each has counted since its period began."""
    rows = [{**_row(counter), "begins_at": begins_at} for counter, begins_at in counters.items()]
    held = tx.execute(_HOLD, {"rows": bulk.dumps(rows)})
    return {
        Counter(
            world=World(r.world), scope=Scope(r.scope), period=Period(r.period), subject=r.subject
        ): r.counted
        for r in held
    }


_ADD = text(f"""
    UPDATE send_count c SET count = c.count + r.count
    FROM {bulk.recordset(tables.send_count, ("world", "scope", "period", "subject", "count"))}
    WHERE c.world = r.world AND c.scope = r.scope AND c.period = r.period AND c.subject = r.subject
""")


def add(tx: Tx, grown: Mapping[Counter, int]) -> None:
    """Count these messages; the counters are held."""
    rows = [{**_row(counter), "count": count} for counter, count in grown.items()]
    tx.execute(_ADD, {"rows": bulk.dumps(rows)})


def _row(counter: Counter) -> dict[str, str]:
    return {
        "world": counter.world,
        "scope": counter.scope,
        "period": counter.period,
        "subject": counter.subject,
    }


_DROP = text("""
    DELETE FROM send_count WHERE ctid IN (
      SELECT ctid FROM send_count WHERE begins_at < :before LIMIT :size FOR UPDATE SKIP LOCKED
    )
""")


def drop_before(tx: Tx, before: datetime, size: int) -> int:
    """Delete at most ``size`` counters whose period began before; return how many."""
    return tx.execute(_DROP, {"before": before, "size": size}).rowcount


# Who finds that it was told of lately waits for nobody; of those that do not, one wins.
_NOTICE = text("""
    INSERT INTO send_limit_notice AS n (world, told_at) SELECT :world, :now
    WHERE NOT EXISTS (SELECT FROM send_limit_notice WHERE world = :world AND told_at > :since)
    ON CONFLICT (world) DO UPDATE SET told_at = excluded.told_at WHERE n.told_at <= :since
    RETURNING world
""")


def tell(tx: Tx, world: World, *, now: datetime, since: datetime) -> bool:
    """Note that the administrator is told now; False when that has happened after ``since`` already."""
    return tx.execute(_NOTICE, {"world": world, "now": now, "since": since}).first() is not None
