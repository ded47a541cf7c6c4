"""Users of a bulk job: as they were given in; who they are, and the recipient each becomes, out."""

from collections.abc import Mapping
from typing import Any

from notify.recipients.resolve import deep_merge


def entry_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """The recipient. ``profile`` is what ``to`` is in a send; ``to`` says who it is and how to send."""
    to = {key: value for key, value in (given.get("to") or {}).items() if value is not None}
    # An address is the profile's to give; `to.email` only tells who is meant, unless it stands alone.
    entry = {**to, **(given.get("profile") or {})}
    entry = {key: value for key, value in entry.items() if key != "recipient"}
    if user_id := _user_id(given):
        entry["user_id"] = user_id
    if data := deep_merge(to.get("data"), given.get("data")):
        entry["data"] = data
    if preferences := given.get("preferences"):
        entry["preferences"] = deep_merge(to.get("preferences"), preferences)
    return entry


def localized(
    entry: dict[str, Any], stored: Mapping[str, Any] | None, by_locale: Mapping[str, Any]
) -> dict[str, Any]:
    """The recipient, with the data of their locale (their own, else the stored one) below their own data."""
    locale = entry.get("locale") or (stored or {}).get("locale")
    own = by_locale.get(locale) if isinstance(locale, str) else None
    return {**entry, "data": deep_merge(own, entry.get("data"))} if own else entry


def key_of(given: Mapping[str, Any]) -> str | None:
    """Who it is, so that the same user is known again; None: nobody can tell."""
    if user_id := _user_id(given):
        return f"user {user_id}"
    for source in (given.get("to") or {}, given.get("profile") or {}):
        for name in ("email", "phone_number"):
            if isinstance(value := source.get(name), str) and value:
                return f"{name} {value.lower()}"
    return None


def _user_id(given: Mapping[str, Any]) -> str | None:
    to, profile = given.get("to") or {}, given.get("profile") or {}
    return to.get("user_id") or given.get("recipient") or profile.get("user_id") or None
