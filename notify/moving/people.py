"""Users: found wherever the source names them, then each one's profile, devices and preferences."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

from pydantic import ValidationError

from notify.api.profiles import ProfileBody
from notify.api.user_preference_views import BulkWish
from notify.api.user_tokens import TokenBody, stored
from notify.errors import NotifyError
from notify.manage import profiles, tokens, user_preferences
from notify.manage.preference_lookup import Whose
from notify.moving.carrying import Mover, found, reason
from notify.moving.groups import identified
from notify.moving.source import Json, plain
from notify.preferences.change import Wish
from notify.store.tokens import StoredToken, TokenStatus

PROFILES, DEVICES, PREFERENCES = "profiles", "devices", "preferences"
_PAGE = 100


def find(mover: Mover, *, messages: int) -> None:
    """Meet those who changed a preference, and the recipients of the newest ``messages``."""
    for page in mover.pages(PREFERENCES, "preferences", "logs", limit=_PAGE):
        mover.state.meet(identified(page, "user_id"))
        for row in page:
            tenant_id = row.get("tenant_id") if isinstance(row, dict) else None
            if isinstance(tenant_id, str):
                mover.state.meet(identified([row], "user_id"), tenant_id)
        mover.told("found", len(page))
    pages = mover.pages("messages", "messages") if messages else iter(())
    for page in islice(pages, -(-messages // _PAGE)):
        mover.state.meet(identified(page, "recipient"))
        mover.told("found", len(page))


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """What the source has of a user; preferences by tenant, those that hold everywhere by ``""``."""

    profile: Json | None
    devices: list[Any]
    preferences: dict[str, list[Any]]


def everybody(mover: Mover) -> None:
    """All users that were met and are not here yet."""

    def read(user: tuple[str, list[str]]) -> Person:
        user_id, tenants = user
        get, page = mover.source.get, mover.source.page
        profile = found(lambda: get("profiles", user_id))
        devices = found(lambda: page("users", user_id, "tokens"))
        wanted = partial(page, "users", user_id, "preferences")
        chosen = {"": found(wanted), **{one: found(partial(wanted, tenant_id=one)) for one in tenants}}
        return Person(
            profile=profile,
            devices=devices.rows if devices else [],
            preferences={tenant: one.rows for tenant, one in chosen.items() if one},
        )

    users = ((user_id, mover.state.tenants_of(user_id)) for user_id in mover.state.people())
    for (user_id, _), person in mover.ahead(read, users):
        if isinstance(person, NotifyError):
            mover.refuse(PROFILES, user_id, reason(person))
            continue
        _person(mover, user_id, person)
        if not mover.dry_run:
            mover.state.settle_person(user_id)
        mover.told("users", 1)


def _person(mover: Mover, user_id: str, person: Person) -> None:
    if person.profile is not None:
        _profile(mover, user_id, person.profile)
    if person.devices:
        _devices(mover, user_id, person.devices)
    wishes = {
        tenant: wanted
        for tenant, rows in person.preferences.items()
        if (wanted := _chosen(rows, person.preferences.get("", []) if tenant else []))
    }
    for tenant, wanted in wishes.items():
        _preferences(mover, Whose(world=mover.world, user_id=user_id, tenant_id=tenant or None), wanted)


def _profile(mover: Mover, user_id: str, answer: Json) -> None:
    def write(body: ProfileBody) -> Iterable[str]:
        profiles.replace(mover.world, user_id, body.profile)
        if isinstance(locale := body.profile.get("locale"), str) and 0 < len(locale) <= 50:
            mover.state.hear([locale])
        # Servers of the first version keep preferences of templates and categories there.
        return ["the old-style preferences beside the profile"] if answer.get("preferences") else []

    mover.carry(PROFILES, user_id, answer, lambda: ProfileBody.model_validate(answer), write)


def _devices(mover: Mover, user_id: str, rows: list[Any]) -> None:
    def parse() -> tuple[list[StoredToken], list[str]]:
        sound, problems = [], []
        for number, row in enumerate(rows, start=1):
            try:
                sound.append(_device(user_id, row))
            except (NotifyError, ValidationError) as error:
                # A token is a secret of its kind: it is not named.
                problems.append(f"device {number}: {reason(error)}")
        return sound, problems

    def write(parsed: tuple[list[StoredToken], list[str]]) -> Iterable[str]:
        tokens.put(mover.world, parsed[0])
        return parsed[1]

    mover.carry(DEVICES, user_id, rows, parse, write)


def _device(user_id: str, row: Any) -> StoredToken:
    body = TokenBody.model_validate(row)
    status = row.get("status")
    kept = stored(user_id, body.token, body)
    if status in set(TokenStatus):
        said = row.get("status_reason")
        why = plain(said) if isinstance(said, str) else None
        return replace(kept, status=TokenStatus(status), status_reason=why)
    return kept


def _chosen(rows: list[Any], everywhere: list[Any]) -> list[Json]:
    """What the user chose there: what is not as it would be without.

    ``everywhere``: what they have outside of tenants; what they chose there holds in tenants as well.
    """
    outside = {row["topic_id"]: row for row in everywhere if _topic_of(row) and _differs(row)}
    return [
        row
        for row in rows
        if _topic_of(row)
        and (_value(row) != _value(outside[row["topic_id"]]) if row["topic_id"] in outside else _differs(row))
    ]


def _topic_of(row: Any) -> str | None:
    topic_id = row.get("topic_id") if isinstance(row, dict) else None
    return topic_id if isinstance(topic_id, str) else None


def _differs(row: Json) -> bool:
    return _value(row) != (row.get("default_status"), False, None, None)


def _value(row: Json) -> tuple[Any, ...]:
    custom = row.get("has_custom_routing") is True
    channels = row.get("custom_routing") if custom else None
    return row.get("status"), custom, channels, row.get("digest_schedule_id")


def _preferences(mover: Mover, whose: Whose, rows: list[Json]) -> None:
    def parse() -> list[Wish]:
        return [_wish(row) for row in rows]

    def write(wishes: list[Wish]) -> Iterable[str]:
        problems = user_preferences.update(whose, wishes, wake=mover.wake)
        return [f"{topic_id}: {why}" for topic_id, why in problems.items()]

    name = f"{whose.user_id} in {whose.tenant_id}" if whose.tenant_id else whose.user_id
    mover.carry(PREFERENCES, name, rows, parse, write)


def _wish(row: Json) -> Wish:
    # Of what everybody gets, only the channels can be chosen.
    status = "OPTED_IN" if row.get("status") == "REQUIRED" else row.get("status")
    body = BulkWish.model_validate({**row, "status": status})
    return body.wish(body.topic_id)
