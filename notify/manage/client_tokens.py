"""Client tokens: signed, expiring rights of single users, for apps that run where no API key may be."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from types import MappingProxyType
from typing import Any
from uuid import UUID

import jwt

from notify import clock, ids, signing
from notify.errors import Forbidden, InvalidRequest, Unauthenticated
from notify.model.names import Mode, World
from notify.model.scopes import KeyScope
from notify.store import cache, db, keys
from notify.store.keys import StoredKey

MAX_LIFE = timedelta(days=366)
MAX_SCOPES = 100
_PURPOSE = "client token"
_ALGORITHM = "HS256"
_REQUIRED = ["exp", "iat", "scope", "world", "mode", "key"]

SCOPES: Mapping[str, KeyScope] = MappingProxyType(
    {
        "read:messages": KeyScope.READ,
        "inbox:read:messages": KeyScope.READ,
        "inbox:write:events": KeyScope.SEND,
        "read:user-tokens": KeyScope.READ,
        "write:user-tokens": KeyScope.SEND,
        "read:preferences": KeyScope.READ,
        "write:preferences": KeyScope.SEND,
        "read:brands": KeyScope.READ,
        "write:brands": KeyScope.MANAGE,
    }
)
"""What a token may be for, and what the key that issues it must be allowed itself."""

_OF_ONE = ("read:brands:", "write:brands:")
_USER = "user_id:"
_UNITS = MappingProxyType(
    {
        "ms": 0.001, "msec": 0.001, "millisecond": 0.001,
        "s": 1, "sec": 1, "second": 1,
        "m": 60, "min": 60, "minute": 60,
        "h": 3600, "hr": 3600, "hour": 3600,
        "d": 86_400, "day": 86_400,
        "w": 604_800, "week": 604_800,
        "y": 31_557_600, "yr": 31_557_600, "year": 31_557_600,
    }
)  # fmt: skip
_SPAN = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([a-z]*)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What a token allows. ``key_id``: the API key that issued it."""

    world: World
    mode: Mode
    key_id: UUID
    users: frozenset[str]
    scopes: frozenset[str]


def issue(
    world: World, mode: Mode, key_id: str, held: Collection[KeyScope], scope: str, expires_in: str | float
) -> str:
    """A new token.

    Args:
        held: what the key may do; a token may do no more.
        scope: what the token is for, by spaces.
        expires_in: ``2 hours``, ``1d``, or seconds.

    Raises:
        InvalidRequest: a scope or the span is none.
        Forbidden: the key may not do what the token is to allow.
    """
    asked = list(dict.fromkeys(scope.split()))
    _check(asked, held)
    now = clock.now()
    claims = {
        "scope": " ".join(asked),
        "world": str(world),
        "mode": str(mode),
        "key": key_id,
        "iat": now,
        "exp": now + _span(expires_in),
        "jti": ids.new().hex,
    }
    return jwt.encode(claims, signing.keys(_PURPOSE)[0], algorithm=_ALGORITHM)


def _check(asked: list[str], held: Collection[KeyScope]) -> None:
    if not 0 < len(asked) <= MAX_SCOPES:
        raise InvalidRequest(f"scope: name 1 to {MAX_SCOPES} scopes, separated by spaces")
    for one in asked:
        if one.startswith(_USER) and one != _USER:
            continue
        general = one.rsplit(":", 1)[0] if one.startswith(_OF_ONE) else one
        if (needed := SCOPES.get(general)) is None:
            raise InvalidRequest(f"scope: {one!r} is none; there are user_id:<id>, {', '.join(SCOPES)}")
        if needed not in held:
            raise Forbidden(f"This API key lacks the scope {str(needed)!r}, which {one!r} takes.")


def _span(given: str | float) -> timedelta:
    found = _SPAN.fullmatch(str(given))
    unit = (found[2].lower() or "s") if found else ""
    seconds = _UNITS.get(unit) or _UNITS.get(unit.removesuffix("s"))
    if found is None or seconds is None:
        raise InvalidRequest("expires_in: must be a span such as '2 hours', '1d' or '30m'")
    span = timedelta(seconds=float(found[1]) * seconds)
    if not timedelta() < span <= MAX_LIFE:
        raise InvalidRequest("expires_in: must be more than nothing, and at most a year")
    return span


def looks_like_one(clear: str) -> bool:
    """API keys have no dots."""
    return clear.count(".") == 2


def read(token: str) -> Grant:
    """What a token allows.

    Raises:
        Unauthenticated: it is none of ours, has expired, or the key that issued it is no longer in force.
    """
    claims = _claims(token)
    try:
        key = _key(UUID(claims["key"]))
        world, mode = World(claims["world"]), Mode(claims["mode"])
    except ValueError:
        raise Unauthenticated("This client token is not valid.") from None
    if key is None or key.world is not world:
        raise Unauthenticated("The API key that issued this client token is not in force any more.")
    asked = claims["scope"].split()
    users = frozenset(one.removeprefix(_USER) for one in asked if one.startswith(_USER))
    scopes = frozenset(one for one in asked if not one.startswith(_USER))
    return Grant(world=world, mode=mode, key_id=key.id, users=users, scopes=scopes)


def _claims(token: str) -> dict[str, Any]:
    for key in signing.keys(_PURPOSE):
        try:
            return jwt.decode(token, key, algorithms=[_ALGORITHM], options={"require": _REQUIRED})
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("This client token has expired.") from None
        except jwt.InvalidSignatureError:
            continue
        except jwt.InvalidTokenError:
            break
    raise Unauthenticated("This client token is not valid.")


def _key(id_: UUID) -> StoredKey | None:
    def load() -> StoredKey | None:
        with db.begin() as tx:
            return keys.in_force(tx, id_)

    found = cache.get(("key by id", id_), load)
    return None if found and found.expires_at and found.expires_at <= clock.now() else found
