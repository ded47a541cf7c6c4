"""Device tokens: what apps and their back ends do to them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from notify import clock
from notify.errors import InvalidRequest, NotFound
from notify.manage.patching import patched
from notify.model.names import World
from notify.store import db, tokens
from notify.store.tokens import StoredToken, TokenStatus

LIFETIME = timedelta(days=60)
"""A token that has not been registered again for so long is not used any more, unless it says otherwise."""

PROVIDERS = ("firebase-fcm", "apn", "expo", "onesignal")
MAX_SHOWN = 1000
_PATCHED = ("provider_key", "device", "tracking", "properties", "expiry_date", "status", "status_reason")


def expiry(given: str | bool | None) -> datetime | None:
    """When a token expires: at a date, never (``false``), or after ``LIFETIME`` when nothing is said.

    Raises:
        InvalidRequest: it is no date.
    """
    if given is None:
        return clock.now() + LIFETIME
    if given is False:
        return None
    try:
        at = datetime.fromisoformat(str(given))
        # In UTC, since a zone may put the end of the calendar behind it, where it could not be read again.
        return at.astimezone(clock.UTC) if at.tzinfo else at.replace(tzinfo=clock.UTC)
    except (ValueError, OverflowError):
        raise InvalidRequest("expiry_date: must be an ISO 8601 date, or false for never") from None


def find(world: World, user_id: str) -> list[StoredToken]:
    """The user's tokens, the newest first; those that cannot be used, too."""
    with db.begin() as tx:
        return tokens.of_user(tx, world, user_id, MAX_SHOWN)


def get(world: World, user_id: str, token: str) -> StoredToken:
    """One token.

    Raises:
        NotFound: the user has no such token.
    """
    with db.begin() as tx:
        return _get(tx, world, user_id, token)


def put(world: World, wanted: Sequence[StoredToken]) -> None:
    """Add or overwrite; of one that is named twice, the last counts."""
    with db.begin() as tx:
        tokens.put(tx, world, list({one.token: one for one in wanted}.values()))


def patch(world: World, user_id: str, token: str, operations: Sequence[Mapping[str, Any]]) -> None:
    """Apply a JSON Patch (RFC 6902) to a token as it is shown.

    Raises:
        NotFound: the user has no such token.
        InvalidRequest: an operation cannot be applied, or what comes of it is no token.
    """
    with db.begin() as tx:
        stored = _get(tx, world, user_id, token, lock=True)
        before = as_json(stored)
        after = patched(before, operations)
        if after.get("token") != token:
            raise InvalidRequest("patch: a token stays what it is; register the new one")
        tokens.put(tx, world, [_changed(stored, before, after)])


def _changed(stored: StoredToken, before: Mapping[str, Any], after: Mapping[str, Any]) -> StoredToken:
    values = {name: after.get(name) for name in _PATCHED if after.get(name) != before.get(name)}
    if "expiry_date" in values:
        values["expires_at"] = expiry(values.pop("expiry_date"))
    if values.get("provider_key", PROVIDERS[0]) not in PROVIDERS:
        raise InvalidRequest(f"patch: provider_key must be one of {', '.join(PROVIDERS)}")
    for name in ("device", "tracking"):
        if not isinstance(values.get(name, {}), dict | None):
            raise InvalidRequest(f"patch: {name} must be an object")
    return replace(stored, **{**values, **_status(values)})


def _status(values: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(values.get("status_reason"), str | None):
        raise InvalidRequest("patch: status_reason must be text")
    try:
        return {"status": TokenStatus(values["status"])} if "status" in values else {}
    except ValueError:
        raise InvalidRequest(f"patch: status must be one of {', '.join(TokenStatus)}") from None


def as_json(stored: StoredToken) -> dict[str, Any]:
    """A token as the API shows it."""
    return {
        "token": stored.token,
        "provider_key": stored.provider_key,
        "status": str(stored.status),
        "status_reason": stored.status_reason,
        "expiry_date": stored.expires_at.isoformat() if stored.expires_at else False,
        "device": stored.device,
        "tracking": stored.tracking,
        "properties": stored.properties,
    }


def delete(world: World, user_id: str, token: str) -> None:
    """Forget a token.

    Raises:
        NotFound: the user has no such token.
    """
    with db.begin() as tx:
        if not tokens.remove(tx, world, user_id, token):
            raise _missing()


def _get(tx: db.Tx, world: World, user_id: str, token: str, *, lock: bool = False) -> StoredToken:
    found = tokens.get(tx, world, user_id, token, lock=lock)
    if found is None:
        raise _missing()
    return found


def _missing() -> NotFound:
    return NotFound("The user has no such token.")
