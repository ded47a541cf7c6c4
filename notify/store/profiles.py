"""Profiles: free JSON by user id."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert

from notify.model.names import World
from notify.store.db import Tx
from notify.store.tables import profile


def get(tx: Tx, world: World, user_id: str, *, lock: bool = False) -> dict[str, Any] | None:
    """The stored profile, or None. ``lock`` holds the user's profile until the transaction ends."""
    if lock:
        tx.execute(_LOCK, {"key": f"{world}:{user_id}"})
    query = select(profile.c.profile).where(profile.c.world == world, profile.c.user_id == user_id)
    found: dict[str, Any] | None = tx.execute(query).scalar_one_or_none()
    return found


# An advisory lock also covers a profile that does not exist yet.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")


def get_many(tx: Tx, users: Iterable[tuple[World, str]]) -> dict[tuple[World, str], dict[str, Any]]:
    """The stored profiles of these users, by (world, user id)."""
    wanted = sorted(set(users))
    if not wanted:
        return {}
    query = select(profile.c.world, profile.c.user_id, profile.c.profile).where(
        tuple_(profile.c.world, profile.c.user_id).in_(wanted)
    )
    return {(World(row.world), row.user_id): row.profile for row in tx.execute(query)}


def put(tx: Tx, world: World, user_id: str, value: dict[str, Any]) -> None:
    """Store ``value`` as the whole profile."""
    statement = insert(profile).values(world=world, user_id=user_id, profile=value)
    replaced = {"profile": statement.excluded.profile, "updated_at": func.now()}
    tx.execute(statement.on_conflict_do_update(index_elements=["world", "user_id"], set_=replaced))


def delete(tx: Tx, world: World, user_id: str) -> None:
    tx.execute(profile.delete().where(profile.c.world == world, profile.c.user_id == user_id))
