"""Audiences: what people do to them, and who is in them at this moment."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from notify.errors import InvalidRequest, NotFound
from notify.manage import audience_news
from notify.manage.audience_news import later
from notify.manage.templates import Wake
from notify.model import filters
from notify.model.hook import HookEvent
from notify.model.names import World
from notify.recipients import audience as rule
from notify.store import audiences, audit, db
from notify.store.audiences import Audience


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """``since``: since when it is so, as far as is known: the last change of profile or filter."""

    user_id: str
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to be set; None: it stays. ``operator``: the outer group's, whichever filter that is."""

    name: str | None = None
    description: str | None = None
    filter: Any = None
    operator: str | None = None


def find(world: World, *, after: str | None, limit: int) -> list[Audience]:
    """At most ``limit``, by id."""
    with db.begin() as tx:
        return audiences.find(tx, world, after=after, limit=limit)


def get(world: World, id_: str) -> Audience:
    """One audience.

    Raises:
        NotFound: there is none.
    """
    with db.begin() as tx:
        return _get(tx, world, id_)


def put(world: World, id_: str, change: Change, *, wake: Wake = later) -> Audience:
    """Create or change an audience.

    Raises:
        InvalidRequest: its filter is none.
    """
    with db.begin() as tx:
        old = audiences.get(tx, world, id_, lock=True)
        name = change.name if change.name is not None else (old.name if old else id_)
        described = change.description if change.description is not None else (old.description if old else "")
        filter_ = _filter(change, old)
        new = audiences.put(tx, world, id_, name=name, description=described, filter_=filter_)
        done = "audience.replaced" if old else "audience.created"
        before, after = (_told(one) if one else None for one in (old, new))
        audit.record(tx, done, ("audience", id_), world=world, before=before, after=after)
        type_ = HookEvent.AUDIENCE_UPDATED if old else HookEvent.AUDIENCE_CREATED
        news = audience_news.changed(tx, world, type_, new)
        if old is None or old.version != new.version:
            news += audience_news.calculated(tx, world, new)
    wake(news)
    return new


def _filter(change: Change, old: Audience | None) -> dict[str, Any] | None:
    stored = old.filter if old else None
    if change.operator not in (None, "AND", "OR"):
        raise InvalidRequest("operator: must be 'AND' or 'OR'")
    if change.filter is not None:
        return filters.as_json(filters.parse(change.filter, change.operator))
    if change.operator is None or stored is None:
        return stored
    return filters.as_json(replace(filters.parse(stored), every=change.operator == "AND"))


def _told(audience: Audience) -> dict[str, Any]:
    return {"name": audience.name, "filter": audience.filter, "version": audience.version}


def delete(world: World, id_: str, *, wake: Wake = later) -> None:
    """For good; what is sent to it from now on reaches nobody.

    Raises:
        NotFound: there is none.
    """
    with db.begin() as tx:
        old = _get(tx, world, id_)
        audiences.remove(tx, world, id_)
        audit.record(tx, "audience.deleted", ("audience", id_), world=world, before=_told(old))
        news = audience_news.changed(tx, world, HookEvent.AUDIENCE_DELETED, old)
    wake(news)


def members(world: World, id_: str, *, after: str | None, limit: int) -> tuple[Audience, Sequence[Member]]:
    """The audience, and at most ``limit`` of those who are in it now, by user id.

    Raises:
        NotFound: there is no such audience.
    """
    with db.begin() as tx:
        audience = _get(tx, world, id_)
        if audience.filter is None:
            return audience, ()
        node = filters.parse(audience.filter)
        found = audiences.matching(tx, world, node, after=after, limit=limit)
    return audience, [
        Member(
            user_id=one.user_id,
            since=max(one.since, audience.updated_at),
            reason=rule.reason(node, rule.Subject(one.profile, one.tenants)),
        )
        for one in found
    ]


def _get(tx: db.Tx, world: World, id_: str) -> Audience:
    found = audiences.get(tx, world, id_)
    if found is None:
        raise NotFound(f"Audience {id_!r} does not exist.")
    return found
