"""What a user may choose of a topic: their wish in, why it cannot be out."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notify.model.preference import Choice, Consent, Topic
from notify.preferences.digest import offered

SNOOZE = "snooze"
"""Among what a topic allows."""

KEEP: Any = object()
"""For a digest schedule that stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """``digest_schedule_id``: None clears it. ``until``: of an opt-out that ends by itself (a snooze)."""

    topic_id: str
    status: Consent
    custom: bool | None = None
    routing: tuple[str, ...] = ()
    digest_schedule_id: Any = KEEP
    until: datetime | None = None

    @property
    def channels(self) -> tuple[str, ...]:
        """Those that count: without the flag they are ignored."""
        return tuple(dict.fromkeys(self.routing)) if self.custom else ()


def problem(topic: Topic, default: Choice, wish: Wish) -> str | None:
    """Why ``wish`` cannot be; None: it can. ``default``: what holds in the tenant without it."""
    if wish.status is Consent.REQUIRED:
        return "status: REQUIRED is a topic's default, not a user's choice"
    if default.status is Consent.REQUIRED and wish.status is Consent.OPTED_OUT:
        return f"The topic {topic.name!r} is required: users cannot opt out of it"
    if wish.until and SNOOZE not in topic.allowed:
        return f"Messages of the topic {topic.name!r} cannot be put off"
    if wish.custom and not topic.section.custom_routing:
        return f"Channels cannot be chosen for the topics of the section {topic.section.name!r}"
    if wish.custom and not wish.channels:
        return "custom_routing: give at least one channel; who wants none opts out"
    if wish.digest_schedule_id not in (KEEP, None) and wish.digest_schedule_id not in offered(topic.digest):
        return "digest_schedule_id: not an active schedule of this topic"
    return None
