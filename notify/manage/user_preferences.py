"""What users want: read with all that speaks for it, and changed one by one, some, or all."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from notify.manage import preference_changes, preference_lookup
from notify.manage.preference_lookup import Preference, Whose, overrides
from notify.model.names import World
from notify.model.preference import Choice, channels
from notify.model.work import Handoff
from notify.preferences import sent
from notify.preferences.change import Wish
from notify.store import db, preference_logs, user_preferences
from notify.store.preference_logs import Change
from notify.store.user_preferences import Override

Wake = Callable[[Handoff], object]
"""Publishes what follows."""


def find(whose: Whose) -> list[Preference]:
    """Of every topic, in the order of the page."""
    with db.begin() as tx:
        return list(preference_lookup.load(tx, whose).values())


def get(whose: Whose, topic_id: str) -> Preference:
    """Of one topic.

    Raises:
        NotFound: there is no such topic.
    """
    with db.begin() as tx:
        return preference_lookup.one(preference_lookup.load(tx, whose, topic_id), topic_id)


def chosen(whose: Whose) -> dict[str, Any]:
    """What the user chose just there, by topic, in the shape in which preferences come along with a send."""
    with db.begin() as tx:
        found = preference_lookup.overrides(tx, whose)
    return {id_: sent.details(_choice(one)) for id_, one in sorted(found.items())}


def _choice(one: Override) -> Choice:
    return Choice(status=one.status, custom=one.custom, routing=channels(one.routing), until=one.until)


def put(whose: Whose, wish: Wish, *, wake: Wake) -> None:
    """Set what the user wants of one topic.

    Raises:
        NotFound: there is no such topic.
        InvalidRequest: it cannot be wanted.
    """
    with db.begin() as tx:
        user_preferences.hold(tx, whose.world, whose.user_id)
        told = preference_changes.apply(tx, whose, preference_lookup.load(tx, whose, wish.topic_id), [wish])
    wake(told)


def update(whose: Whose, wishes: Sequence[Wish], *, wake: Wake) -> dict[str, str]:
    """Set what can be, and leave all other topics; why the rest cannot, by topic."""
    with db.begin() as tx:
        user_preferences.hold(tx, whose.world, whose.user_id)
        known = preference_lookup.load(tx, whose)
        problems = {one.topic_id: why for one in wishes if (why := preference_changes.refused(known, one))}
        told = preference_changes.apply(
            tx, whose, known, [one for one in wishes if one.topic_id not in problems]
        )
    wake(told)
    return problems


def replace(whose: Whose, wishes: Sequence[Wish], *, wake: Wake) -> list[str]:
    """Have these be all that the user chose; the topics that were reset.

    Raises:
        NotFound: there is no such topic; nothing was done.
        InvalidRequest: it cannot be wanted; nothing was done.
    """
    with db.begin() as tx:
        user_preferences.hold(tx, whose.world, whose.user_id)
        known = preference_lookup.load(tx, whose)
        kept = {one.topic_id for one in wishes}
        dropped = [id_ for id_ in overrides(tx, whose) if id_ not in kept]
        preference_changes.reset(tx, whose, known, dropped)
        told = preference_changes.apply(tx, whose, known, wishes)
    wake(told)
    return dropped


def reset(whose: Whose, topic_id: str) -> None:
    """Have the default of a topic hold again.

    Raises:
        NotFound: there is no such topic.
    """
    with db.begin() as tx:
        user_preferences.hold(tx, whose.world, whose.user_id)
        known = preference_lookup.load(tx, whose, topic_id)
        preference_lookup.one(known, topic_id)
        preference_changes.reset(tx, whose, known, [topic_id])


def log(
    world: World,
    *,
    user_id: str | None,
    tenant_id: str | None,
    since: datetime | None,
    before: UUID | None,
    limit: int,
) -> list[Change]:
    """At most ``limit`` changes, newest first."""
    with db.begin() as tx:
        return preference_logs.find(
            tx, world, user_id=user_id, tenant_id=tenant_id, since=since, before=before, limit=limit
        )
