"""What a user has of topics: who it is about in, each topic with all that speaks for it out."""

from collections.abc import Mapping
from dataclasses import dataclass

from notify.errors import NotFound
from notify.model.names import World
from notify.model.preference import Choice, Topic, Wanted
from notify.preferences.decide import decide, merged
from notify.preferences.digest import offered
from notify.store import db, topics, user_preferences
from notify.store.user_preferences import EVERYWHERE, Asked, Override


@dataclass(frozen=True, slots=True, kw_only=True)
class Whose:
    """A user, everywhere or in one tenant."""

    world: World
    user_id: str
    tenant_id: str | None = None

    @property
    def place(self) -> str:
        """The tenant of what is stored."""
        return self.tenant_id or EVERYWHERE


@dataclass(frozen=True, slots=True, kw_only=True)
class Preference:
    """What a user has of a topic. ``own``: what they chose themselves; ``default``: what holds without it."""

    wanted: Wanted
    own: Choice
    default: Choice
    digest_schedule_id: str | None = None

    @property
    def topic(self) -> Topic:
        return self.wanted.topic


Preferences = Mapping[str, Preference]
"""By topic."""


def overrides(tx: db.Tx, whose: Whose) -> dict[str, Override]:
    """What they chose just there, by topic."""
    return user_preferences.of_user(tx, whose.world, whose.user_id, whose.place)


def load(tx: db.Tx, whose: Whose, topic_id: str | None = None) -> Preferences:
    """Of every topic, in the order of their sections; or just of one."""
    found = topics.topics(tx, whose.world, topic_id=topic_id)
    asked = [Asked(one.id, whose.world, one.id, whose.user_id, whose.tenant_id) for one in found]
    said = user_preferences.said(tx, asked)
    everywhere = user_preferences.of_user(tx, whose.world, whose.user_id, EVERYWHERE)
    chosen = {**everywhere, **overrides(tx, whose)} if whose.tenant_id else everywhere
    return {
        one.id: Preference(
            wanted=decide(one, said[one.id].said),
            own=merged(said[one.id].said.user),
            default=merged([one.layer, *said[one.id].said.tenants]),
            digest_schedule_id=_schedule(one, chosen.get(one.id)),
        )
        for one in found
    }


def _schedule(topic: Topic, override: Override | None) -> str | None:
    """What they chose, while it can be chosen."""
    chosen = override.digest_schedule_id if override else None
    return chosen if chosen in offered(topic.digest) else None


def one(found: Preferences, topic_id: str) -> Preference:
    """That of a topic.

    Raises:
        NotFound: there is no such topic.
    """
    if topic_id not in found:
        raise NotFound(f"The topic {topic_id!r} does not exist.")
    return found[topic_id]
