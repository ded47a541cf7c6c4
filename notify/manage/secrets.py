"""Changing the encryption key: everything sealed is sealed anew, in bounded steps that may stop anywhere."""

from dataclasses import dataclass
from uuid import UUID

from notify import settings, signing
from notify.store import audit, db, sealed

_CHUNK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Rotation:
    """``unreadable``: sealed with a key that is not configured. ``keys``: how many are.

    ``signed``: suppressed addresses that only a key which has signed them recognises; ``unsigned_keys``: how
    many of the older keys no signing key stands for yet.
    """

    resealed: int
    unreadable: tuple[UUID, ...]
    keys: int
    signed: int
    unsigned_keys: int

    @property
    def done(self) -> bool:
        """Whether nothing encrypted needs another key than the first."""
        return not self.unreadable


def rotate() -> Rotation:
    """Seal everything with the first key; what is so already is left alone, so it may be run again."""
    resealed, unreadable = 0, list[UUID]()
    for table in sealed.SEALED:
        after: UUID | None = UUID(int=0)
        while after is not None:
            with db.begin() as tx:
                chunk = sealed.reseal(tx, table, after, _CHUNK)
            resealed, after = resealed + chunk.resealed, chunk.after
            unreadable += chunk.unreadable
    with db.begin() as tx:
        told = {"resealed": resealed, "unreadable": len(unreadable)}
        audit.record(tx, "secrets.rotated", ("secrets", "encryption key"), world=None, after=told)
        signed = sealed.signed_addresses(tx)
    return Rotation(
        resealed=resealed,
        unreadable=tuple(unreadable),
        keys=len(_keys()),
        signed=signed,
        unsigned_keys=len(_unsigned()),
    )


def signing_keys() -> list[str]:
    """What ``NOTIFY_SIGNING_KEY`` must hold so that all that was ever signed stays valid, the first first."""
    given = _given()
    return [*given, *(key for key in map(signing.signing_key_of, _keys()) if key not in given)]


def _unsigned() -> list[str]:
    given = _given()
    return [key for key in _keys()[1:] if signing.signing_key_of(key) not in given]


def _keys() -> list[str]:
    return [key.strip() for key in settings.load().encryption_key.get_secret_value().split(",")]


def _given() -> list[str]:
    given = settings.load().signing_key
    return [key.strip() for key in given.get_secret_value().split(",")] if given else []
