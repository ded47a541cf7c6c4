"""Changes of what users want, inside a transaction: checked, written, logged and told."""

from collections.abc import Iterator, Sequence
from typing import Any

from notify import clock, ids
from notify.errors import InvalidRequest
from notify.manage.preference_lookup import Preference, Preferences, Whose, one, overrides
from notify.model.hook import HookEvent, News
from notify.model.names import World
from notify.model.preference import Topic
from notify.model.work import Handoff
from notify.pipeline import announcing
from notify.preferences.change import KEEP, Wish, problem
from notify.store import db, preference_logs, user_preferences
from notify.store.preference_logs import Change
from notify.store.user_preferences import Override


def refused(known: Preferences, wish: Wish) -> str | None:
    """Why it cannot be wanted; None: it can."""
    found = known.get(wish.topic_id)
    if found is None:
        return f"The topic {wish.topic_id!r} does not exist."
    return problem(found.topic, found.default, wish)


def apply(tx: db.Tx, whose: Whose, known: Preferences, wishes: Sequence[Wish]) -> Handoff:
    """Make these wishes what the user wants; return the wake-ups for telling of it.

    Raises:
        NotFound: there is no such topic.
        InvalidRequest: it cannot be wanted.
    """
    for wish in wishes:
        one(known, wish.topic_id)
        if why := refused(known, wish):
            raise InvalidRequest(why)
    before = overrides(tx, whose)
    wanted = [(_override(wish, before.get(wish.topic_id)), before.get(wish.topic_id)) for wish in wishes]
    changed = [(new, old) for new, old in wanted if new != old]
    user_preferences.put(tx, whose.world, whose.user_id, whose.place, [new for new, _ in changed])
    changes = [_change(whose, known[new.topic_id].topic, new, old) for new, old in changed]
    preference_logs.add(tx, whose.world, changes)
    return announcing.announce(tx, list(_news(whose.world, changes)))


def _override(wish: Wish, old: Override | None) -> Override:
    kept = old.digest_schedule_id if old else None
    return Override(
        topic_id=wish.topic_id,
        status=wish.status,
        custom=wish.custom,
        routing=wish.channels,
        digest_schedule_id=kept if wish.digest_schedule_id is KEEP else wish.digest_schedule_id,
        until=wish.until,
    )


def reset(tx: db.Tx, whose: Whose, known: Preferences, topic_ids: Sequence[str]) -> None:
    """Have the defaults of these topics hold again, for those that the user chose something of."""
    before = overrides(tx, whose)
    user_preferences.drop(tx, whose.world, whose.user_id, whose.place, topic_ids)
    # Of a topic that is gone nobody needs to know what it was reset to.
    there = [(known[id_], before[id_]) for id_ in topic_ids if id_ in known and id_ in before]
    changes = [_change(whose, now.topic, _default(now), old) for now, old in there]
    preference_logs.add(tx, whose.world, changes)


def _default(found: Preference) -> Override:
    return Override(topic_id=found.topic.id, status=found.wanted.default)


def _change(whose: Whose, topic: Topic, new: Override, old: Override | None) -> Change:
    return Change(
        id=ids.new(),
        user_id=whose.user_id,
        tenant_id=whose.tenant_id,
        topic_id=topic.id,
        topic_name=topic.name,
        previous=_value(old) if old else None,
        **_value(new),
    )


def _value(of: Override) -> dict[str, Any]:
    return {"status": of.status, "has_custom_routing": bool(of.custom), "custom_routing": [*of.routing]}


def _news(world: World, changes: Sequence[Change]) -> Iterator[News]:
    for change in changes:
        yield News(world=world, type=HookEvent.PREFERENCES_UPDATED, at=clock.now(), data=entry(change))


def entry(change: Change) -> dict[str, Any]:
    """A change as the log and the webhook tell of it."""
    told = {
        "id": str(change.id),
        "user_id": change.user_id,
        "tenant_id": change.tenant_id,
        "topic_id": change.topic_id,
        "topic_name": change.topic_name,
        "status": change.status,
        "has_custom_routing": change.has_custom_routing,
        "custom_routing": list(change.custom_routing),
        "timestamp": change.at.isoformat(timespec="milliseconds"),
        "previous": change.previous,
    }
    return {name: value for name, value in told.items() if value is not None}
