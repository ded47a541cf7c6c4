"""API keys: made once in the clear, stored as a digest, told apart by their prefix."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from notify import clock, ids
from notify.errors import InvalidRequest, NotFound
from notify.manage.key_holder import Holder
from notify.model.names import Mode, World
from notify.model.scopes import EVERYTHING, KeyScope
from notify.store import audit, cache, db, keys
from notify.store.keys import StoredKey

_KIND = {Mode.PUBLISHED: "pk", Mode.DRAFT: "dk", Mode.MOCK: "mk"}
_WORLD = {World.PRODUCTION: "prod", World.TEST: "test"}
_HINT_LENGTH = 14
DEFAULT_OVERLAP = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """``clear``: the key itself; the only time it is seen. ``until``: when the one it replaces expires."""

    id: UUID
    clear: str
    until: datetime | None = None


def grant(
    holder: Holder, name: str, kind: Mode, scopes: Collection[KeyScope], expires_at: datetime | None
) -> NewKey:
    """A new key of the holder's world.

    Raises:
        Forbidden: it would be more than the holder has.
        InvalidRequest: it has no scopes, or some that do not go together, or would have expired already.
    """
    holder.check_may(kind, scopes)
    with db.begin() as tx:
        return _create(tx, holder.world, name, kind, scopes, expires_at)


def create(
    world: World,
    name: str,
    kind: Mode = Mode.PUBLISHED,
    scopes: Collection[KeyScope] = EVERYTHING,
    expires_at: datetime | None = None,
) -> str:
    """A new key for a world, such as ``dk_test_...``; the only time it is seen in the clear.

    Raises:
        InvalidRequest: it has no scopes, or some that do not go together, or would have expired already.
    """
    with db.begin() as tx:
        return _create(tx, world, name, kind, scopes, expires_at).clear


def _create(
    tx: db.Tx,
    world: World,
    name: str,
    kind: Mode,
    scopes: Collection[KeyScope],
    expires_at: datetime | None,
) -> NewKey:
    _check(scopes)
    if expires_at is not None and expires_at <= clock.now():
        raise InvalidRequest("expires: lies in the past")
    new = NewKey(id=ids.new(), clear=f"{_KIND[kind]}_{_WORLD[world]}_{secrets.token_urlsafe(32)}")
    hint = new.clear[:_HINT_LENGTH]
    keys.create(
        tx,
        new.id,
        world,
        kind,
        name=name,
        digest=_digest(new.clear),
        hint=hint,
        scopes=scopes,
        expires_at=expires_at,
    )
    told = {"name": name, "kind": kind, "hint": hint, "scopes": sorted(scopes), "expires": _iso(expires_at)}
    audit.record(tx, "key.created", ("key", new.id), world=world, after=told)
    return new


def _check(scopes: Collection[KeyScope]) -> None:
    if not scopes:
        raise InvalidRequest("scopes: give at least one")
    if KeyScope.INBOUND in scopes and len(set(scopes)) > 1:
        raise InvalidRequest("scopes: 'inbound' goes with no other, since its key becomes part of a URL")


def known(clear: str) -> StoredKey | None:
    """The key, if this process has seen it within the cache's age; asks no database."""
    return _in_force(cache.peek(("key", _digest(clear))))


def authenticate(clear: str) -> StoredKey | None:
    """The key in force that ``clear`` is, or None.

    Raises:
        Unavailable: the database is away.
    """

    def load() -> StoredKey | None:
        with db.begin() as tx:
            return keys.valid(tx, _digest(clear))

    return _in_force(cache.get(("key", _digest(clear)), load))


def _in_force(key: StoredKey | None) -> StoredKey | None:
    expired = key and key.expires_at and key.expires_at <= clock.now()
    return None if expired else key


def find(
    world: World | None = None, *, after: UUID | None = None, limit: int | None = None
) -> Sequence[StoredKey]:
    """The keys of a world, or all of them; the oldest first."""
    with db.begin() as tx:
        return keys.find(tx, world, after=after, limit=limit)


def get(world: World, id_: UUID) -> StoredKey:
    """A key, in force or not.

    Raises:
        NotFound: there is none with this id in this world.
    """
    with db.begin() as tx:
        found = keys.get(tx, world, id_)
    if found is None:
        raise NotFound("This API key does not exist.")
    return found


def rotate(id_: UUID, overlap: timedelta = DEFAULT_OVERLAP, holder: Holder | None = None) -> NewKey:
    """A new key like the one with this id, which expires after ``overlap``.

    The new one lives as long as the old one was meant to. Takes effect within ``cache.MAX_AGE_S`` seconds.

    Raises:
        NotFound: there is no such key in force (in the holder's world).
        Forbidden: it may more than its holder.
    """
    if overlap < timedelta():
        raise InvalidRequest("overlap: must not be negative")
    with db.begin() as tx:
        old = _hold(tx, id_, holder)
        now = clock.now()
        expires_at = now + (old.expires_at - old.created_at) if old.expires_at else None
        new = _create(tx, old.world, old.name, old.kind, old.scopes, expires_at)
        until = min(now + overlap, old.expires_at or datetime.max.replace(tzinfo=clock.UTC))
        keys.expire(tx, id_, until)
        after = {"expires": _iso(until), "replaced_by": str(new.id)}
        before = {"expires": _iso(old.expires_at)}
        audit.record(tx, "key.rotated", ("key", id_), world=old.world, before=before, after=after)
    return NewKey(id=new.id, clear=new.clear, until=until)


def expire(id_: UUID, at: datetime, holder: Holder | None = None) -> None:
    """Refuse the key from ``at`` on, which is sooner than it would have been.

    Raises:
        InvalidRequest: that lies in the past, or is later than the key expires anyway.
        NotFound: there is no such key in force (in the holder's world).
        Forbidden: it may more than its holder.
    """
    with db.begin() as tx:
        old = _hold(tx, id_, holder)
        if at <= clock.now():
            raise InvalidRequest("expires: lies in the past; to end a key now, revoke it")
        if old.expires_at and at > old.expires_at:
            raise InvalidRequest("expires: the key expires before that; to have one for longer, rotate it")
        keys.expire(tx, id_, at)
        before, after = {"expires": _iso(old.expires_at)}, {"expires": _iso(at)}
        audit.record(tx, "key.expiring", ("key", id_), world=old.world, before=before, after=after)


def revoke(id_: UUID, holder: Holder | None = None) -> None:
    """Refuse the key from now on; takes effect within ``cache.MAX_AGE_S`` seconds.

    Raises:
        NotFound: there is no such key in force (in the holder's world).
        Forbidden: it may more than its holder.
    """
    with db.begin() as tx:
        old = _hold(tx, id_, holder)
        keys.revoke(tx, id_)
        before = {"name": old.name, "hint": old.hint}
        audit.record(tx, "key.revoked", ("key", id_), world=old.world, before=before)


def _hold(tx: db.Tx, id_: UUID, holder: Holder | None) -> StoredKey:
    found = keys.hold(tx, id_)
    if found is None or (holder and holder.world is not found.world):
        raise NotFound(f"No key in force has the id {id_}.")
    if holder:
        holder.check_may(found.kind, found.scopes)
    return found


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None


def _digest(clear: str) -> bytes:
    return sha256(clear.encode()).digest()
