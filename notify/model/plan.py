"""A plan: the tree of what may be sent through which channel and provider, and in which order.

``routing.plan`` builds it once per message; it never changes. What has happened so far is the list of
``Attempted`` (one per delivery row); ``routing.advance`` compares the two and says what comes next.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Discriminator, TypeAdapter

from notify.model.call import Blame
from notify.model.names import Channel, Guarantee
from notify.model.status import Reason, Status


class Method(StrEnum):
    """``single``: entries in order until one succeeds. ``all``: every entry, each on its own."""

    SINGLE = "single"
    ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One configured provider that may take a leaf. ``id`` is the configuration's id."""

    id: str
    provider: str
    timeout_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One channel, with its providers in failover order. ``key``: its path in the tree, such as ``1.0``.

    ``guarantee``: what happens when nobody knows whether a provider took it.
    """

    key: str
    channel: Channel
    candidates: tuple[Candidate, ...]
    timeout_ms: int
    guarantee: Guarantee = Guarantee.AT_LEAST_ONCE
    type: Literal["leaf"] = "leaf"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    method: Method
    entries: tuple[Annotated["Node | Leaf", Discriminator("type")], ...]
    type: Literal["node"] = "node"


class SkipCode(StrEnum):
    """Why an entry was left out; words of the reference's routing preview."""

    CHANNEL_DISABLED = "CHANNEL_DISABLED"
    FILTERED = "FILTERED"
    INCOMPLETE_PROFILE_DATA = "INCOMPLETE_PROFILE_DATA"
    MISSING_CONFIGURATION = "MISSING_CONFIGURATION"
    NO_PROVIDERS = "NO_PROVIDERS"
    NO_CONTENT = "NO_CONTENT"
    SUPPRESSED = "SUPPRESSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """An entry (channel or provider key, as the sender wrote it) that was considered and left out."""

    entry: str
    code: SkipCode
    detail: str


class Criterion(StrEnum):
    """What a message must reach in time; each includes those after it."""

    DELIVERED = "delivered"
    VIEWED = "viewed"
    ENGAGED = "engaged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """The next channel of a ``single`` starts when ``criterion`` is not met ``after_ms`` after SENT."""

    criterion: Criterion
    after_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """``deadline``: the message's own timeout, UTC. ``may_leave``: the topic its mails offer to leave."""

    root: Node
    skipped: tuple[Skipped, ...]
    deadline: datetime
    escalation: Escalation | None = None
    may_leave: str | None = None


PLAN: TypeAdapter[Plan] = TypeAdapter(Plan)
"""Reads and writes a Plan as JSON."""


class DeliveryState(StrEnum):
    """``ACTIVE``: under way or waiting for its next try. ``RETURNED``: the provider took it, and reported
    afterwards that it did not arrive (blame RECIPIENT: it bounced).
    """

    ACTIVE = "active"
    SENT = "sent"
    FAILED = "failed"
    RETURNED = "returned"
    SIMULATED = "simulated"
    CANCELED = "canceled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempted:
    """One delivery: a leaf and one of its candidates, and how it stands. ``blame`` is set when FAILED.

    ``reached``: the most the recipient is known to have done with it.
    """

    leaf: str
    candidate: int
    state: DeliveryState
    started_at: datetime
    blame: Blame | None = None
    reason: str | None = None
    sent_at: datetime | None = None
    reached: Criterion | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A delivery that shall begin now."""

    leaf: Leaf
    candidate: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Final:
    """The status the message ends with; ``error`` is for people."""

    status: Status
    reason: Reason | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What follows: deliveries to start, and the final status once nothing is left to do."""

    start: tuple[Start, ...] = ()
    final: Final | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderOption:
    """A configured provider as routing sees it: ``needs`` says whether the profile suffices."""

    id: str
    provider: str
    alias: str | None
    channels: tuple[Channel, ...]
    missing: Mapping[Channel, str | None]
    """Per channel: what the recipient's profile lacks for this provider, or None."""
