"""News of audiences for outbound webhooks: that one was changed, and whom a change of a user moved in or out.

Who is in an audience is found when it is asked for, so nothing is looked at unless somebody listens.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from notify import clock, log
from notify.model import filters
from notify.model.filters import Filter
from notify.model.hook import HookEvent, News
from notify.model.names import World
from notify.model.work import Handoff
from notify.pipeline import announcing
from notify.recipients.audience import Subject, matches, reason
from notify.store import audiences, db, profiles, tenant_members, webhooks
from notify.store.audiences import Audience

MAX_WATCHED = 1000
"""Audiences of a world that a change of a user is held against; the first by id."""

_log = log.get(__name__)
_MAX_TENANTS = 1000
_MOVES = (HookEvent.AUDIENCE_MATCHED, HookEvent.AUDIENCE_UNMATCHED)


def later(_: Handoff) -> None:
    """Wakes nobody: the reconciler does, for callers in no hurry."""


def changed(tx: db.Tx, world: World, type_: HookEvent, audience: Audience) -> Handoff:
    """Tell of a change of the audience itself; return the wake-ups for that."""
    news = News(world=world, type=type_, at=clock.now(), data=_about(audience))
    return announcing.announce(tx, [news])


def calculated(tx: db.Tx, world: World, audience: Audience) -> Handoff:
    """Tell how many the audience's new filter lets through; return the wake-ups for that."""
    type_ = HookEvent.AUDIENCE_CALCULATED
    if audience.filter is None or not webhooks.listening(tx, world, type_):
        return ()
    found = audiences.count(tx, world, filters.parse(audience.filter))
    if found is None:
        _log.warning("audience.uncounted", audience_id=audience.id, world=world)
        return ()
    counts = {
        "user_count": found.matching,
        "total_users": found.users,
        "total_users_filtered": found.matching,
    }
    data = {**_about(audience), **counts}
    return announcing.announce(tx, [News(world=world, type=type_, at=clock.now(), data=data)])


def _about(audience: Audience) -> dict[str, Any]:
    return {"audience_id": audience.id, "audience_version": audience.version, "filter": audience.filter}


class Watch:
    """One user before and after a change, in its transaction: watch, change, then ask what is to be told."""

    def __init__(self, tx: db.Tx, world: World, user_id: str) -> None:
        self._tx, self._world, self._user_id = tx, world, user_id
        self._audiences = self._watched()
        self._before = self._subject() if self._audiences else None

    def _watched(self) -> Sequence[tuple[Audience, Filter]]:
        if not any(webhooks.listening(self._tx, self._world, event) for event in _MOVES):
            return ()
        found = audiences.find(self._tx, self._world, after=None, limit=MAX_WATCHED)
        return [(one, filters.parse(one.filter)) for one in found if one.filter is not None]

    def _subject(self) -> Subject | None:
        # Locked: of two changes at once, each is held against what the other has left.
        stored = profiles.get(self._tx, self._world, self._user_id, lock=True)
        if stored is None:
            return None
        found = tenant_members.of_user(self._tx, self._world, self._user_id, after=None, limit=_MAX_TENANTS)
        return Subject(stored, {one.tenant_id for one in found})

    def told(self) -> Handoff:
        """Tell of the audiences the user has come into or left; return the wake-ups for that."""
        if not self._audiences:
            return ()
        after, now = self._subject(), clock.now()
        news = [self._moved(one, node, after, now) for one, node in self._audiences]
        return announcing.announce(self._tx, [one for one in news if one])

    def _moved(self, audience: Audience, node: Filter, after: Subject | None, now: datetime) -> News | None:
        was, is_ = (bool(one and matches(node, one)) for one in (self._before, after))
        if was == is_:
            return None
        why = reason(node, after or Subject({}))
        data: Mapping[str, Any] = {**_about(audience), "user_id": self._user_id, "reason": why}
        type_ = HookEvent.AUDIENCE_MATCHED if is_ else HookEvent.AUDIENCE_UNMATCHED
        return News(world=self._world, type=type_, at=now, data=dict(data))
