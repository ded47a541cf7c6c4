"""Webhook destinations and their deliveries as the API shows them; a secret only where it is made."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, Field

from notify import ids
from notify.api.paging import Paging
from notify.clock import to_ms
from notify.manage.webhook_rules import MAX_URL
from notify.manage.webhooks import Made
from notify.model.hook import SELECTABLE, Attempt, HookDelivery, HookEvent, HookState
from notify.model.status import Status
from notify.store.webhooks import Destination

_MS = "UTC, epoch milliseconds."
Secret = Annotated[str, Field(max_length=256)]


class WebhookBody(BaseModel):
    url: str = Field(max_length=MAX_URL, examples=["https://example.com/notify"])
    title: str = Field(default="", max_length=200)
    events: list[str] = Field(
        default_factory=list,
        max_length=50,
        description=f"What it is told of; none named: everything. {', '.join(SELECTABLE)}",
        examples=[["message:updated"]],
    )


class NewWebhookBody(WebhookBody):
    secret: Secret | None = Field(
        default=None, description="Made for you if omitted; null: what is sent is not signed."
    )


class PauseBody(BaseModel):
    reason: str | None = Field(default=None, max_length=500)


class RotateBody(BaseModel):
    secret: Secret | None = Field(default=None, description="Made for you if omitted.")


class ReplayBody(BaseModel):
    """One delivery; or all in ``states`` that came about ``since`` then, at most 10,000 at once."""

    deliveryId: str | None = Field(default=None, max_length=64)
    states: list[Literal["failed", "held", "delivered"]] = Field(default=["failed", "held"], min_length=1)
    since: int | None = Field(default=None, ge=0, le=2**47, description=_MS)
    cursor: str | None = Field(default=None, max_length=200, description="From the answer before.")


class Webhook(BaseModel):
    id: str
    url: str
    title: str
    events: list[HookEvent]
    status: Literal["active", "paused"]
    signed: bool
    created: int = Field(description=_MS)
    updated: int | None = None
    pausedAt: int | None = None
    pauseReason: str | None = None
    failingSince: int | None = Field(default=None, description="First of the failures since it last worked.")
    failures: int = Field(description="Failed calls since it last worked.")


class WebhookWithSecret(Webhook):
    secret: str | None = Field(default=None, description="Shown here and never again.")


class WebhookPage(BaseModel):
    paging: Paging
    results: list[Webhook]


class Delivery(BaseModel):
    id: str
    type: HookEvent
    state: HookState
    at: int = Field(description=f"When it happened. {_MS}")
    messageId: str | None = None
    status: Status | None = Field(default=None, description="The message's status that is told.")
    tries: int
    answerStatus: int | None = Field(default=None, description="HTTP status of the last answer.")
    error: str | None = None
    nextTry: int | None = None
    ended: int | None = None


class DeliveryAttempt(BaseModel):
    at: int
    durationMs: int
    status: int | None = None
    error: str | None = None


class DeliveryDetail(Delivery):
    """``body``: what is sent, missing until the first try."""

    body: Any = None
    attempts: list[DeliveryAttempt]


class DeliveryPage(BaseModel):
    paging: Paging
    results: list[Delivery]


class Replay(BaseModel):
    replayed: int
    cursor: str | None = Field(default=None, description="There are more: call again with it.")


def webhook(found: Destination) -> Webhook:
    return Webhook(**_fields(found))


def made(new: Made) -> WebhookWithSecret:
    return WebhookWithSecret(**_fields(new.destination), secret=new.secret)


def _fields(found: Destination) -> dict[str, Any]:
    return {
        "id": str(found.id),
        "url": found.url,
        "title": found.title,
        "events": found.events,
        "status": "paused" if found.paused_at else "active",
        "signed": found.sealed is not None,
        "created": to_ms(found.created_at),
        "updated": to_ms(found.updated_at),
        "pausedAt": to_ms(found.paused_at),
        "pauseReason": found.pause_reason,
        "failingSince": to_ms(found.failing_since),
        "failures": found.failures,
    }


def delivery(found: HookDelivery) -> Delivery:
    return Delivery(**_delivery(found))


def detail(found: HookDelivery, attempts: Sequence[Attempt]) -> DeliveryDetail:
    body = orjson.loads(found.body) if found.body else None
    return DeliveryDetail(**_delivery(found), body=body, attempts=[_attempt(one) for one in attempts])


def _delivery(found: HookDelivery) -> dict[str, Any]:
    return {
        "id": str(found.id),
        "type": found.type,
        "state": found.state,
        "at": to_ms(found.at),
        "messageId": ids.to_wire(found.message_id) if found.message_id else None,
        "status": found.status,
        "tries": found.tries,
        "answerStatus": found.answer_status,
        "error": found.error,
        "nextTry": to_ms(found.next_try_at),
        "ended": to_ms(found.ended_at),
    }


def _attempt(one: Attempt) -> DeliveryAttempt:
    return DeliveryAttempt(
        at=to_ms(one.at) or 0, durationMs=one.duration_ms, status=one.status, error=one.error
    )
