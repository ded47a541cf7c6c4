"""Outbound webhooks: what receivers of our own events are told, and how such a delivery stands."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from notify.model.names import World
from notify.model.status import Status


class HookEvent(StrEnum):
    """The types of events that are sent."""

    AUDIENCE_CALCULATED = "audiences:calculated"
    AUDIENCE_CREATED = "audiences:created"
    AUDIENCE_DELETED = "audiences:deleted"
    AUDIENCE_MATCHED = "audiences:user:matched"
    AUDIENCE_UNMATCHED = "audiences:user:unmatched"
    AUDIENCE_UPDATED = "audiences:updated"
    MESSAGE_UPDATED = "message:updated"
    NOTIFICATION_SUBMITTED = "notification:submitted"
    NOTIFICATION_SUBMISSION_CANCELED = "notification:submission_canceled"
    NOTIFICATION_PUBLISHED = "notification:published"
    PREFERENCES_UPDATED = "preferences:user:updated"
    TEST = "webhook:test"


SELECTABLE = tuple(event for event in HookEvent if event is not HookEvent.TEST)
"""What a destination may ask for; tests are sent by hand."""


class HookState(StrEnum):
    """``HELD``: its destination was paused; it waits to be replayed."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Something receivers may want to hear of.

    ``message_id`` and ``status``: whose status it is; such news is told in the message's own words, which are
    looked up when it is first sent. ``data``: what is told of anything else.
    """

    world: World
    type: HookEvent
    at: datetime
    message_id: UUID | None = None
    status: Status | None = None
    data: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HookDelivery:
    """One event for one destination. ``body``: the bytes every try sends; None until the first.

    ``at``: when it happened. ``started_at``: when the present series of tries began; ``tries`` are its.
    """

    id: UUID
    destination_id: UUID
    world: World
    type: HookEvent
    at: datetime
    started_at: datetime
    message_id: UUID | None = None
    status: Status | None = None
    body: str | None = None
    state: HookState = HookState.PENDING
    tries: int = 0
    answer_status: int | None = None
    error: str | None = None
    next_try_at: datetime | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call. ``status``: of the answer; None when none came, and ``error`` says why."""

    delivery_id: UUID
    at: datetime
    duration_ms: int
    status: int | None = None
    error: str | None = None
