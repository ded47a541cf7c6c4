"""Work: what is not finished yet; claims on it, and the wake-ups that go through the broker."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from notify.model.names import Channel, Lane, World


class Stage(StrEnum):
    """The stages of the pipeline; the same word names the module, the task and the queue."""

    EXPAND = "expand"
    RENDER = "render"
    ROUTE = "route"
    DELIVER = "deliver"
    ESCALATE = "escalate"
    RECEIPTS = "receipts"
    HOOKS = "hooks"


class Wait(StrEnum):
    """What a delivery waits for before its provider is called (again); ``pause``: any work, for people."""

    RETRY = "retry"
    TURN = "turn"
    CIRCUIT = "circuit"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where work waits: one queue. ``channel`` is set for the deliver stage only."""

    stage: Stage
    lane: Lane
    channel: Channel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A work row to be written. ``id``: the request's, message's or delivery's own id.

    ``tenant_id``: whose it is; what tenants have waiting at one place is claimed in equal shares.
    """

    id: UUID
    message_id: UUID
    world: World
    place: Place
    due_at: datetime
    tenant_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A work row held by this process until its lease ends; ``attempt`` fences what it may record.

    ``lost``: how many earlier claims ended with the death of their process. ``waited``: what it has just
    waited for. ``until``: nobody else takes it before, by ``time.monotonic``, even if it is not renewed.
    """

    id: UUID
    message_id: UUID
    world: World
    place: Place
    attempt: int
    lost: int = 0
    waited: Wait | None = None
    until: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PutOff:
    """A held delivery that goes back to its place until ``due_at``, waiting at one provider configuration."""

    id: UUID
    place: Place
    provider_id: UUID
    wait: Wait
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Wake:
    """A wake-up for one queue: the ids are a hint, the claim decides.

    ``at``: not before, UTC.
    """

    place: Place
    ids: tuple[UUID, ...]
    at: datetime | None = None


Handoff = tuple[Wake, ...]
"""What a stage returns: the wake-ups to publish once its transaction holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What one pass of a stage did: how many rows it held, and what follows."""

    claimed: int = 0
    handoff: Handoff = ()
