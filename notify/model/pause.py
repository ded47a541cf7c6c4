"""Pauses: what operators hold, and which work that concerns."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from notify.model.names import World
from notify.model.work import Claim, Stage


class PauseKind(StrEnum):
    """What is paused. ``intake`` alone holds no work: new sends are refused, what is there goes on."""

    ALL = "all"
    CHANNEL = "channel"
    PROVIDER = "provider"
    TENANT = "tenant"
    REQUEST = "request"
    INTAKE = "intake"


WITHOUT_KEY = frozenset({PauseKind.ALL, PauseKind.INTAKE})
"""Kinds of which there is one per world."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """``key``: the channel, the provider configuration's id, the tenant, the request's id; else empty.

    ``label``: the key as people know it. ``resumed_at``: it holds nothing new; what it held is on its way.
    """

    id: UUID
    world: World
    kind: PauseKind
    key: str
    label: str
    reason: str | None
    paused_by: str
    paused_at: datetime
    resumed_at: datetime | None = None

    def __str__(self) -> str:
        return f"{self.kind} {self.label}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a piece of work belongs to, as far as somebody has asked."""

    request_id: UUID | None = None
    tenant_id: str | None = None
    provider_id: UUID | None = None


_SENDING = frozenset({Stage.RENDER, Stage.ROUTE, Stage.DELIVER, Stage.ESCALATE})
# What has been reported is entered in any case; a channel and its providers are first known at deliver.
_HELD_AT: Mapping[PauseKind, Collection[Stage]] = MappingProxyType(
    {
        PauseKind.ALL: _SENDING | {Stage.EXPAND},
        PauseKind.REQUEST: _SENDING | {Stage.EXPAND},
        PauseKind.TENANT: _SENDING,
        PauseKind.CHANNEL: {Stage.DELIVER},
        PauseKind.PROVIDER: {Stage.DELIVER},
        PauseKind.INTAKE: (),
    }
)
_BY_SUBJECT = frozenset({PauseKind.TENANT, PauseKind.REQUEST, PauseKind.PROVIDER})


def concerns(pause: Pause, claim: Claim) -> bool:
    """Whether the pause may hold this work, as far as its place tells."""
    return (
        pause.world is claim.world
        and claim.place.stage in _HELD_AT[pause.kind]
        and (pause.kind is not PauseKind.CHANNEL or pause.key == claim.place.channel)
    )


def asks_for_subject(pause: Pause) -> bool:
    """Whether the place of work does not tell if it is paused."""
    return pause.kind in _BY_SUBJECT


def holds(pause: Pause, claim: Claim, subject: Subject) -> bool:
    """Whether the pause holds this work."""
    if not concerns(pause, claim):
        return False
    match pause.kind:
        case PauseKind.TENANT:
            return pause.key == subject.tenant_id
        case PauseKind.REQUEST:
            return pause.key == str(subject.request_id)
        case PauseKind.PROVIDER:
            return pause.key == str(subject.provider_id)
    return True
