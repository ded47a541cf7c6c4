"""Receipts: what became of a delivery after its provider took it, as providers and tracked links tell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter


class Reported(StrEnum):
    """``BOUNCED``: the address is no good. ``FAILED``: it did not arrive, by no fault of the address."""

    DELIVERED = "delivered"
    OPENED = "opened"
    CLICKED = "clicked"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusUpdate:
    """One thing a provider reports, and of which delivery: by our ids if it can carry them, else by its own.

    ``at``: when it happened, as far as the provider says. ``reference``: as in ``Accepted.reference``.
    ``address``: whose receipt it is, where copies of a mail are reported under the same ids.
    ``raw``: the provider's own words, bounded, for the message's log.
    """

    event: Reported
    message_id: UUID | None = None
    delivery_id: UUID | None = None
    reference: Mapping[str, str] = field(default_factory=dict)
    at: datetime | None = None
    address: str | None = None
    reason: str | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


STATUS_UPDATE: TypeAdapter[StatusUpdate] = TypeAdapter(StatusUpdate)
"""Reads and writes a StatusUpdate as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """A request from a provider. ``url``: as the provider called it. Header names are lower case."""

    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One update that is stored. ``provider_id``: who reported it; None: a tracked link of ours."""

    id: UUID
    provider_id: UUID | None
    update: StatusUpdate
    received_at: datetime


class SuppressionReason(StrEnum):
    """Why nothing is sent to an address any more."""

    BOUNCED = "bounced"
    COMPLAINED = "complained"
