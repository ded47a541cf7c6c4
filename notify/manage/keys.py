"""API keys: made once in the clear, stored as a digest, told apart by their prefix."""

import secrets
from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from notify import ids
from notify.model.names import Mode, World
from notify.store import cache, db, keys
from notify.store.keys import StoredKey

_KIND = {Mode.PUBLISHED: "pk", Mode.DRAFT: "dk", Mode.MOCK: "mk"}
_WORLD = {World.PRODUCTION: "prod", World.TEST: "test"}
_HINT_LENGTH = 14


def create(world: World, name: str, kind: Mode = Mode.PUBLISHED) -> str:
    """A new key for a world, such as ``dk_test_...``; the only time it is seen in the clear."""
    clear = f"{_KIND[kind]}_{_WORLD[world]}_{secrets.token_urlsafe(32)}"
    with db.begin() as tx:
        keys.create(tx, ids.new(), world, kind, name=name, digest=_digest(clear), hint=clear[:_HINT_LENGTH])
    return clear


def known(clear: str) -> StoredKey | None:
    """The key, if this process has seen it within the cache's age; asks no database."""
    return cache.peek(("key", _digest(clear)))


def authenticate(clear: str) -> StoredKey | None:
    """The key in force that ``clear`` is, or None.

    Raises:
        Unavailable: the database is away.
    """

    def load() -> StoredKey | None:
        with db.begin() as tx:
            return keys.valid(tx, _digest(clear))

    return cache.get(("key", _digest(clear)), load)


def find() -> Sequence[StoredKey]:
    with db.begin() as tx:
        return keys.find(tx)


def revoke(id_: UUID) -> bool:
    """Revoke; False when there is no such key in force. Takes effect within ``cache.MAX_AGE_S`` seconds."""
    with db.begin() as tx:
        return keys.revoke(tx, id_)


def _digest(clear: str) -> bytes:
    return sha256(clear.encode()).digest()
