"""A topic's digest configuration: what was given and what is stored in, what is stored next out."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from notify.errors import InvalidRequest

Digest = Mapping[str, Any]
DEFAULT_CATEGORIES = ({"category_key": "digest", "limit": 10, "retain": "FIRST"},)


def configured(given: Digest, stored: Digest | None, *, at: str, new_id: Callable[[], str]) -> dict[str, Any]:
    """``given`` in place of ``stored``; without ``schedules`` those that are stored stay.

    Args:
        given: checked field by field; fields that were left out are not there.
        at: the time of the change, ISO 8601.

    Raises:
        InvalidRequest: it has no schedule, or names one that is not stored, or several as the default.
    """
    before = stored or {}
    if "schedules" not in given and not before.get("schedules"):
        raise InvalidRequest("digest.schedules: Field required")
    schedules = before.get("schedules", ())
    if "schedules" in given:
        schedules = _schedules(given["schedules"], schedules, at, new_id)
    return {
        "template_id": given["template_id"],
        "schedules": schedules,
        "categories": list(given.get("categories") or before.get("categories") or DEFAULT_CATEGORIES),
        "trigger_empty": given.get("trigger_empty", False),
        **({"audience_id": given["audience_id"]} if given.get("audience_id") else {}),
        "created": before.get("created", at),
        "updated": at,
    }


def _schedules(
    given: Sequence[Mapping[str, Any]],
    stored: Sequence[Mapping[str, Any]],
    at: str,
    new_id: Callable[[], str],
) -> list[dict[str, Any]]:
    known = {one["schedule_id"]: one for one in stored}
    named = [one["schedule_id"] for one in given if one.get("schedule_id")]
    if unknown := [id_ for id_ in named if id_ not in known or named.count(id_) > 1]:
        raise InvalidRequest(f"digest.schedules: {unknown[0]!r} is not a schedule of this topic, or is twice")
    if sum(bool(one.get("is_default")) for one in given) > 1:
        raise InvalidRequest("digest.schedules: only one may be the default")
    return [_schedule(one, known.get(one.get("schedule_id", "")), at, new_id) for one in given]


def _schedule(
    given: Mapping[str, Any], stored: Mapping[str, Any] | None, at: str, new_id: Callable[[], str]
) -> dict[str, Any]:
    """What is left out is cleared, also of one that was there."""
    created = stored["created"] if stored else at
    own = {name: value for name, value in given.items() if value is not None}
    id_ = stored["schedule_id"] if stored else new_id()
    return {**own, "schedule_id": id_, "created": created, "updated": at}


def elsewhere(given: Digest | None, at: str) -> dict[str, Any]:
    """What ``given`` would be in the place of, had it been stored here: so its schedules keep their ids."""
    named = [one.get("schedule_id") for one in (given or {}).get("schedules") or ()]
    return {"schedules": [{"schedule_id": one, "created": at} for one in named if one]}


def offered(digest: Digest | None) -> frozenset[str]:
    """The ids of the schedules that users may choose."""
    schedules = digest["schedules"] if digest else ()
    return frozenset(one["schedule_id"] for one in schedules if not one.get("disabled"))
