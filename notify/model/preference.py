"""Preferences: topics, what people chose about them, and what follows for one message."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from notify.model.names import Channel


class Consent(StrEnum):
    """Whether a topic's messages are delivered. ``REQUIRED`` is a default, never a user's choice."""

    OPTED_IN = "OPTED_IN"
    OPTED_OUT = "OPTED_OUT"
    REQUIRED = "REQUIRED"


CLASSES = (
    Channel.EMAIL, Channel.SMS, Channel.PUSH, Channel.INBOX, Channel.DIRECT_MESSAGE, Channel.WEBHOOK,
)  # fmt: skip
"""The channels people may choose among, in the order they are shown."""


def channels(names: Iterable[str] | None) -> frozenset[Channel]:
    """Those of these names that are ``CLASSES``."""
    wanted = frozenset(names or ())
    return frozenset(one for one in CLASSES if one in wanted)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What one layer says; None: nothing. ``routing``: the channels, where ``custom`` is true.

    ``until``: when its opt-out ends by itself.
    """

    status: Consent | None = None
    custom: bool | None = None
    routing: frozenset[Channel] = frozenset()
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """``custom_routing``: users may choose channels for its topics, of ``routing_options`` if it has any."""

    id: str
    name: str
    description: str | None = None
    custom_routing: bool = False
    routing_options: tuple[str, ...] = ()
    created_at: datetime
    updated_at: datetime | None = None
    creator: str | None = None
    updater: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What people opt in to and out of. ``digest``: its configuration, as it is shown."""

    id: str
    section: Section
    name: str
    default: Consent
    description: str | None = None
    allowed: tuple[str, ...] = ()
    routing_options: tuple[str, ...] = ()
    unsubscribe_header: bool = False
    data: Mapping[str, Any] = field(default_factory=dict)
    digest: Mapping[str, Any] | None = None
    created_at: datetime
    updated_at: datetime | None = None
    creator: str | None = None
    updater: str | None = None

    @property
    def layer(self) -> Choice:
        """The weakest layer: what holds where nobody says otherwise."""
        offered = self.section.custom_routing and bool(self.routing_options)
        return Choice(
            status=self.default,
            custom=True if offered else None,
            routing=channels(self.routing_options) if offered else frozenset(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Everything that is said about a topic and one recipient, each from the weakest on.

    ``tenants``: defaults, the root's first. ``user``: everywhere, then in the tenant. ``sent``: what came
    along with the message.
    """

    tenants: Sequence[Choice] = ()
    user: Sequence[Choice] = ()
    sent: Sequence[Choice] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a recipient wants of a topic. ``channels``: None is all. ``chosen``: they said so themselves.

    ``default``: the status without what they said. ``until``: when the opt-out ends by itself.
    """

    topic: Topic
    status: Consent
    default: Consent
    channels: frozenset[Channel] | None = None
    chosen: bool = False
    until: datetime | None = None
