"""Lists: what people do to them and to who is on them."""

from collections.abc import Mapping
from typing import Any

from notify.errors import InvalidRequest, NotFound
from notify.model import patterns
from notify.model.names import World
from notify.store import audit, db, lists
from notify.store.lists import StoredList, Subscription

Users = Mapping[str, Mapping[str, Any] | None]
"""User -> preferences of their subscription."""


def find(world: World, pattern: str | None, *, after: str | None, limit: int) -> list[StoredList]:
    """At most ``limit`` lists, by id; those that match the pattern.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        wanted = patterns.parse(pattern) if pattern else None
    except ValueError as error:
        raise InvalidRequest(f"pattern: {error}") from None
    with db.begin() as tx:
        return lists.find(tx, world, wanted, after=after, limit=limit)


def get(world: World, list_id: str) -> StoredList:
    """One list.

    Raises:
        NotFound: there is none, or it is deleted.
    """
    with db.begin() as tx:
        return _get(tx, world, list_id)


def put(world: World, list_id: str, name: str, preferences: Mapping[str, Any] | None) -> None:
    """Create or replace a list; its subscribers stay, and with it those of a deleted one are back.

    Raises:
        InvalidRequest: its id is none.
    """
    _check(list_id)
    with db.begin() as tx:
        new = lists.put(tx, world, list_id, name, preferences)
        done = "list.created" if new else "list.replaced"
        audit.record(tx, done, ("list", list_id), world=world, after={"name": name})


def delete(world: World, list_id: str) -> None:
    """Stop sends to it; it can be restored with its subscribers.

    Raises:
        NotFound: there is none.
    """
    with db.begin() as tx:
        if not lists.mark_deleted(tx, world, list_id):
            raise _missing(list_id)
        audit.record(tx, "list.deleted", ("list", list_id), world=world)


def restore(world: World, list_id: str) -> None:
    """Bring back a deleted list with its subscribers.

    Raises:
        NotFound: there never was one.
    """
    with db.begin() as tx:
        if not lists.restore(tx, world, list_id):
            raise _missing(list_id)
        audit.record(tx, "list.restored", ("list", list_id), world=world)


def _get(tx: db.Tx, world: World, list_id: str) -> StoredList:
    found = lists.get(tx, world, list_id)
    if found is None:
        raise _missing(list_id)
    return found


def _missing(list_id: str) -> NotFound:
    return NotFound(f"List {list_id!r} does not exist.")


def _check(*list_ids: str) -> None:
    for list_id in list_ids:
        try:
            patterns.check_id(list_id)
        except ValueError as error:
            raise InvalidRequest(f"list id {list_id!r}: {error}") from None


# --- who is on them


def subscribers(world: World, list_id: str, *, after: str | None, limit: int) -> list[Subscription]:
    """At most ``limit``, by user id.

    Raises:
        NotFound: there is no such list.
    """
    with db.begin() as tx:
        _get(tx, world, list_id)
        return lists.subscribers(tx, world, list_id, after=after, limit=limit)


def add(world: World, list_id: str, users: Users) -> None:
    """Add subscribers; who is one stays as they are. Creates the list."""
    _check(list_id)
    with db.begin() as tx:
        lists.ensure(tx, world, [list_id])
        lists.add(tx, world, {(list_id, user): preferences for user, preferences in users.items()})


def replace(world: World, list_id: str, users: Users) -> None:
    """Make these the only subscribers. Creates the list."""
    _check(list_id)
    with db.begin() as tx:
        lists.ensure(tx, world, [list_id])
        gone = lists.keep_only(tx, world, list_id, users)
        wanted = {(list_id, user): preferences for user, preferences in users.items()}
        lists.put_subscriptions(tx, world, wanted)
        after = {"subscribers": len(users), "removed": gone}
        audit.record(tx, "list.subscribers_replaced", ("list", list_id), world=world, after=after)


def subscribe(world: World, list_id: str, user_id: str, preferences: Mapping[str, Any] | None) -> None:
    """Subscribe one user, or replace the preferences of their subscription. Creates the list."""
    subscribe_users(world, list_id, {user_id: preferences})


def subscribe_users(world: World, list_id: str, users: Users) -> None:
    """Subscribe users, or replace the preferences of their subscriptions. Creates the list."""
    _check(list_id)
    with db.begin() as tx:
        lists.ensure(tx, world, [list_id])
        wanted = {(list_id, user): preferences for user, preferences in users.items()}
        lists.put_subscriptions(tx, world, wanted)


def unsubscribe(world: World, list_id: str, user_id: str) -> None:
    """Take a user off the list.

    Raises:
        NotFound: there is no such list, or the user is not on it.
    """
    with db.begin() as tx:
        _get(tx, world, list_id)
        if not lists.unsubscribe(tx, world, list_id, user_id):
            raise NotFound(f"User {user_id!r} is not subscribed to {list_id!r}.")


# --- one user's lists


def of_user(world: World, user_id: str, *, after: str | None, limit: int) -> list[Subscription]:
    """At most ``limit`` lists the user is on, by id."""
    with db.begin() as tx:
        return lists.of_user(tx, world, user_id, after=after, limit=limit)


def subscribe_user(world: World, user_id: str, wanted: Users) -> None:
    """Subscribe a user to lists (list -> preferences), which are created; the user's others stay."""
    _check(*wanted)
    with db.begin() as tx:
        lists.ensure(tx, world, sorted(wanted))
        subscriptions = {(list_id, user_id): preferences for list_id, preferences in wanted.items()}
        lists.put_subscriptions(tx, world, subscriptions)


def leave_all(world: World, user_id: str) -> None:
    """Take the user off every list."""
    with db.begin() as tx:
        lists.leave_all(tx, world, user_id)
