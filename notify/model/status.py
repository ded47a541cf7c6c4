"""Message statuses, their reasons, and the one table of legal moves between them."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """The status of a message or of one of its deliveries, as the reference API names it."""

    ENQUEUED = "ENQUEUED"
    DELAYED = "DELAYED"
    DIGESTED = "DIGESTED"
    ROUTED = "ROUTED"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    OPENED = "OPENED"
    CLICKED = "CLICKED"
    CANCELED = "CANCELED"
    FILTERED = "FILTERED"
    SIMULATED = "SIMULATED"
    THROTTLED = "THROTTLED"
    UNDELIVERABLE = "UNDELIVERABLE"
    UNMAPPED = "UNMAPPED"
    UNROUTABLE = "UNROUTABLE"


class Reason(StrEnum):
    """Why a message has the status it has."""

    BOUNCED = "BOUNCED"
    FAILED = "FAILED"
    FILTERED = "FILTERED"
    NO_CHANNELS = "NO_CHANNELS"
    NO_PROVIDERS = "NO_PROVIDERS"
    OPT_IN_REQUIRED = "OPT_IN_REQUIRED"
    PROVIDER_ERROR = "PROVIDER_ERROR"
    UNPUBLISHED = "UNPUBLISHED"
    UNSUBSCRIBED = "UNSUBSCRIBED"


REFUSED = frozenset({Reason.UNSUBSCRIBED, Reason.OPT_IN_REQUIRED})
"""The recipient does not want it."""

WAITING = frozenset({Status.ENQUEUED, Status.DELAYED, Status.ROUTED})
"""Before anything was sent: the only statuses a failure or cancellation may replace."""

_SENT_FROM = WAITING | {Status.DIGESTED}

ALLOWED_FROM: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        Status.ENQUEUED: frozenset(),
        Status.DELAYED: frozenset({Status.ENQUEUED}),
        Status.DIGESTED: frozenset({Status.ENQUEUED}),
        Status.ROUTED: frozenset({Status.ENQUEUED, Status.DELAYED}),
        Status.SENT: _SENT_FROM,
        # Provider callbacks come late, repeated and out of order: each may only move the status up.
        Status.DELIVERED: _SENT_FROM | {Status.SENT},
        Status.OPENED: _SENT_FROM | {Status.SENT, Status.DELIVERED},
        Status.CLICKED: _SENT_FROM | {Status.SENT, Status.DELIVERED, Status.OPENED},
        Status.CANCELED: WAITING | {Status.DIGESTED},
        Status.FILTERED: WAITING,
        Status.SIMULATED: WAITING,
        Status.THROTTLED: WAITING,
        # A bounce arrives after the provider accepted.
        Status.UNDELIVERABLE: WAITING | {Status.SENT},
        Status.UNMAPPED: WAITING,
        Status.UNROUTABLE: WAITING,
    }
)
"""Status -> the statuses a message may have before it. The store's UPDATE holds to it."""

PROVEN_FROM: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        # Given up since nobody knew whether it was sent (at_most_once); now its provider says that it was.
        Status.SENT: frozenset({Status.UNDELIVERABLE}),
    }
)
"""The one end that is not final: what may come before a status that is proven of a delivery that was held."""

REACHED = frozenset({Status.SENT, Status.DELIVERED, Status.OPENED, Status.CLICKED})
"""A provider took the message. These fill in each other's times late; failures and cancellations never do."""

FINAL = frozenset(Status) - WAITING - {Status.DIGESTED}
"""Nothing of the pipeline's own follows these (receipts may)."""


class EventType(StrEnum):
    """Kinds of entries in a message's log; the first group is the reference's history vocabulary."""

    ENQUEUED = "ENQUEUED"
    MAPPED = "MAPPED"
    PROFILE_LOADED = "PROFILE_LOADED"
    RENDERED = "RENDERED"
    DELIVERING = "DELIVERING"
    SENT = "SENT"
    DELIVERED = "DELIVERED"
    OPENED = "OPENED"
    CLICKED = "CLICKED"
    FILTERED = "FILTERED"
    UNMAPPED = "UNMAPPED"
    UNROUTABLE = "UNROUTABLE"
    UNDELIVERABLE = "UNDELIVERABLE"
    # Ours, for the timeline an operator reads.
    DELAYED = "DELAYED"
    ROUTED = "ROUTED"
    RETRYING = "RETRYING"
    ESCALATED = "ESCALATED"
    WAITING = "WAITING"
    SKIPPED = "SKIPPED"
    CANCELED = "CANCELED"
    SIMULATED = "SIMULATED"
    THROTTLED = "THROTTLED"
    COMPLAINED = "COMPLAINED"
    RETRIED = "RETRIED"


HISTORY_TYPES = frozenset(
    {
        EventType.ENQUEUED, EventType.MAPPED, EventType.PROFILE_LOADED, EventType.RENDERED, EventType.SENT,
        EventType.DELIVERED, EventType.OPENED, EventType.CLICKED, EventType.FILTERED, EventType.UNMAPPED,
        EventType.UNROUTABLE, EventType.UNDELIVERABLE,
    }
)  # fmt: skip
"""What ``?type=`` of the history endpoint takes."""
