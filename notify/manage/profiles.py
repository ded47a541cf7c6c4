"""Profiles: read, merge, replace, patch, delete."""

from collections.abc import Sequence
from typing import Any

from notify.errors import NotFound
from notify.manage.audience_news import Watch, later
from notify.manage.patching import patched
from notify.manage.templates import Wake
from notify.model.names import World
from notify.recipients.resolve import deep_merge
from notify.store import db, profiles


def get(world: World, user_id: str) -> dict[str, Any]:
    """The stored profile.

    Raises:
        NotFound: there is none.
    """
    with db.begin() as tx:
        found = profiles.get(tx, world, user_id)
    if found is None:
        raise NotFound(f"Profile {user_id!r} does not exist.")
    return found


def merge(world: World, user_id: str, changes: dict[str, Any], *, wake: Wake = later) -> None:
    """Merge ``changes`` in: objects deeply, arrays and scalars replace; creates the profile."""
    with db.begin() as tx:
        watch = Watch(tx, world, user_id)
        stored = profiles.get(tx, world, user_id, lock=True) or {}
        profiles.put(tx, world, user_id, deep_merge(stored, changes))
        told = watch.told()
    wake(told)


def replace(world: World, user_id: str, value: dict[str, Any], *, wake: Wake = later) -> None:
    """Make ``value`` the whole profile; creates it."""
    with db.begin() as tx:
        watch = Watch(tx, world, user_id)
        profiles.put(tx, world, user_id, value)
        told = watch.told()
    wake(told)


def patch(world: World, user_id: str, operations: Sequence[dict[str, Any]], *, wake: Wake = later) -> None:
    """Apply a JSON Patch (RFC 6902), all of it or nothing; creates the profile unless it is empty.

    Raises:
        InvalidRequest: an operation is malformed, its path is missing, or a ``test`` fails.
    """
    if not operations:
        return
    with db.begin() as tx:
        watch = Watch(tx, world, user_id)
        stored = profiles.get(tx, world, user_id, lock=True) or {}
        profiles.put(tx, world, user_id, patched(stored, operations))
        told = watch.told()
    wake(told)


def delete(world: World, user_id: str, *, wake: Wake = later) -> None:
    """Delete the profile; one that does not exist is fine."""
    with db.begin() as tx:
        watch = Watch(tx, world, user_id)
        profiles.delete(tx, world, user_id)
        told = watch.told()
    wake(told)
