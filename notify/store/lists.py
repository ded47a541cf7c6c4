"""Lists and their subscriptions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from notify.model.names import World
from notify.model.patterns import Pattern
from notify.store import bulk
from notify.store.db import Tx
from notify.store.tables import list_subscription, recipient_list

_LAST = "\U0010ffff"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredList:
    id: str
    name: str
    preferences: dict[str, Any] | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """``list``: which, where a user's lists are told."""

    user_id: str
    preferences: dict[str, Any] | None
    created_at: datetime
    list: StoredList | None = None


_COLUMNS = tuple(recipient_list.c[name] for name in ("id", "name", "preferences", "created_at", "updated_at"))


def _of(world: World) -> tuple[Any, ...]:
    return recipient_list.c.world == world, recipient_list.c.deleted_at.is_(None)


def get(tx: Tx, world: World, list_id: str) -> StoredList | None:
    """The list, unless it is deleted."""
    row = tx.execute(select(*_COLUMNS).where(*_of(world), recipient_list.c.id == list_id)).one_or_none()
    return StoredList(**row._mapping) if row else None


def find(tx: Tx, world: World, pattern: Pattern | None, *, after: str | None, limit: int) -> list[StoredList]:
    """Lists by id, those after the id ``after``."""
    query = select(*_COLUMNS).where(*_of(world))
    if pattern:
        column = recipient_list.c.id
        within = (column >= pattern.prefix, column < pattern.prefix + _LAST)
        query = query.where(*within, column.regexp_match(pattern.regex))
    if after is not None:
        query = query.where(recipient_list.c.id > after)
    rows = tx.execute(query.order_by(recipient_list.c.id).limit(limit))
    return [StoredList(**row._mapping) for row in rows]


def put(tx: Tx, world: World, list_id: str, name: str, preferences: Mapping[str, Any] | None) -> bool:
    """Create or replace a list; one that was deleted is there again. Whether it is new."""
    values = {"name": name, "preferences": preferences, "updated_at": func.now(), "deleted_at": None}
    statement = upsert(recipient_list).values(world=world, id=list_id, **values)
    replacing = statement.on_conflict_do_update(index_elements=["world", "id"], set_=values)
    return bool(tx.execute(replacing.returning(text("xmax = 0"))).scalar_one())


_ENSURE = text("""
    INSERT INTO recipient_list (world, id, name)
    SELECT :world, l.id, l.id FROM unnest(CAST(:ids AS text[])) AS l(id)
    WHERE NOT EXISTS (
      SELECT FROM recipient_list r WHERE r.world = :world AND r.id = l.id AND r.deleted_at IS NULL
    )
    ORDER BY l.id
    ON CONFLICT (world, id) DO UPDATE SET deleted_at = NULL, updated_at = now()
""")


def ensure(tx: Tx, world: World, list_ids: Sequence[str]) -> None:
    """Have these lists exist; a new one gets its id as name."""
    tx.execute(_ENSURE, {"world": world, "ids": sorted(set(list_ids))})


def mark_deleted(tx: Tx, world: World, list_id: str) -> bool:
    """Delete it, so that it can be restored with its subscribers; whether there was such a list."""
    query = update(recipient_list).where(*_of(world), recipient_list.c.id == list_id)
    return tx.execute(query.values(deleted_at=func.now())).rowcount > 0


def restore(tx: Tx, world: World, list_id: str) -> bool:
    """Whether there is such a list, deleted or not."""
    query = update(recipient_list).where(recipient_list.c.world == world, recipient_list.c.id == list_id)
    return tx.execute(query.values(deleted_at=None)).rowcount > 0


# --- who is on them

Subscriptions = Mapping[tuple[str, str], Mapping[str, Any] | None]
"""(List, user) -> preferences."""

_NAMES = ("world", "list_id", "user_id", "preferences")


def _rows(world: World, wanted: Subscriptions) -> list[dict[str, Any]]:
    # In one order, so that two calls with the same users wait for each other instead of for ever.
    return [
        {"world": world, "list_id": list_id, "user_id": user_id, "preferences": preferences}
        for (list_id, user_id), preferences in sorted(wanted.items(), key=lambda item: item[0])
    ]


def add(tx: Tx, world: World, wanted: Subscriptions) -> None:
    """Subscribe users; who is subscribed already stays as they are."""
    bulk.insert(tx, list_subscription, _rows(world, wanted))


_PUT = text(f"""
    INSERT INTO list_subscription ({", ".join(_NAMES)})
    SELECT {", ".join(_NAMES)} FROM {bulk.recordset(list_subscription, _NAMES)}
    ON CONFLICT (world, list_id, user_id) DO UPDATE SET preferences = excluded.preferences
    WHERE list_subscription.preferences IS DISTINCT FROM excluded.preferences
""")


def put_subscriptions(tx: Tx, world: World, wanted: Subscriptions) -> None:
    """Subscribe users, or replace the preferences of those who are subscribed."""
    if wanted:
        tx.execute(_PUT, {"rows": bulk.dumps(_rows(world, wanted))})


_HOLD = text("SELECT FROM recipient_list WHERE world = :world AND id = :id FOR UPDATE")
_OTHERS = text("""
    DELETE FROM list_subscription
    WHERE world = :world AND list_id = :id AND user_id <> ALL(CAST(:users AS text[]))
""")


def keep_only(tx: Tx, world: World, list_id: str, users: Iterable[str]) -> int:
    """Take all others off the list; how many. One such call at a time."""
    tx.execute(_HOLD, {"world": world, "id": list_id})
    return tx.execute(_OTHERS, {"world": world, "id": list_id, "users": list(users)}).rowcount


def unsubscribe(tx: Tx, world: World, list_id: str, user_id: str) -> bool:
    """Whether the user was on the list."""
    mine = (list_subscription.c.world == world, list_subscription.c.list_id == list_id)
    query = delete(list_subscription).where(*mine, list_subscription.c.user_id == user_id)
    return tx.execute(query).rowcount > 0


def leave_all(tx: Tx, world: World, user_id: str) -> int:
    """Take the user off every list, deleted ones included; off how many."""
    mine = (list_subscription.c.world == world, list_subscription.c.user_id == user_id)
    return tx.execute(delete(list_subscription).where(*mine)).rowcount


_SUBSCRIPTION = tuple(list_subscription.c[name] for name in ("user_id", "preferences", "created_at"))


def subscribers(tx: Tx, world: World, list_id: str, *, after: str | None, limit: int) -> list[Subscription]:
    """Who is on the list, by user id."""
    mine = (list_subscription.c.world == world, list_subscription.c.list_id == list_id)
    query = select(*_SUBSCRIPTION).where(*mine).order_by(list_subscription.c.user_id).limit(limit)
    if after is not None:
        query = query.where(list_subscription.c.user_id > after)
    return [Subscription(**row._mapping) for row in tx.execute(query)]


_OF_USER = text("""
    SELECT s.user_id, s.preferences AS own, s.created_at AS since, l.id, l.name, l.preferences, l.created_at,
      l.updated_at
    FROM list_subscription s JOIN recipient_list l ON l.world = s.world AND l.id = s.list_id
    WHERE s.world = :world AND s.user_id = :user_id AND l.deleted_at IS NULL AND s.list_id > :after
    ORDER BY s.list_id LIMIT :limit
""")


def of_user(tx: Tx, world: World, user_id: str, *, after: str | None, limit: int) -> list[Subscription]:
    """The user's lists, by id."""
    asked = {"world": world, "user_id": user_id, "after": after or "", "limit": limit}
    return [
        Subscription(
            user_id=row.user_id,
            preferences=row.own,
            created_at=row.since,
            list=StoredList(
                id=row.id,
                name=row.name,
                preferences=row.preferences,
                created_at=row.created_at,
                updated_at=row.updated_at,
            ),
        )
        for row in tx.execute(_OF_USER, asked)
    ]
