"""``/webhooks``: who is told of what happens here, and the log of what each was told. Ours alone."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from notify import clock
from notify.api import webhook_views as views
from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.idempotency import IdempotentRoute
from notify.api.paging import PAGE_SIZE, Cursor, PathId, decode_as, encode, page_by_id
from notify.api.publisher import Wakes
from notify.api.storable import storable
from notify.errors import NotFound
from notify.manage import webhook_log, webhooks
from notify.model.hook import HookState

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "No such webhook."}}
_CONFLICT: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorBody, "description": "The webhook is paused, or the delivery still being tried."}
}
_TAGS: dict[str, Any] = {"tags": ["webhooks"], "prefix": "/webhooks", "dependencies": [DOCUMENTED]}
router = APIRouter()
# An idempotency key keeps the answer, and an answer with a secret is not for keeping.
_secret = APIRouter(responses=RESPONSES, **_TAGS)
_plain = APIRouter(responses=RESPONSES, route_class=IdempotentRoute, **_TAGS)


@_plain.get("", response_model_exclude_none=True)
def find(caller: Authenticated, cursor: Cursor = None) -> views.WebhookPage:
    """Destinations in the order they were made."""
    rows = webhooks.find(caller.world, after=decode_as(UUID, cursor, "webhooks"), limit=PAGE_SIZE + 1)
    paging, shown = page_by_id(rows, "webhooks")
    results = [views.webhook(row) for row in shown]
    return views.WebhookPage(paging=paging, results=results)


@_secret.post("", status_code=201, response_model_exclude_none=True)
def create(body: views.NewWebhookBody, caller: Authenticated) -> views.WebhookWithSecret:
    """Add a destination; the answer holds its secret, which is not shown again."""
    storable(body.model_dump())
    given = "secret" in body.model_fields_set
    secret = body.secret if given else webhooks.new_secret()
    made = webhooks.create(caller.world, url=body.url, title=body.title, events=body.events, secret=secret)
    return views.made(made)


@_plain.get("/{webhook_id}", responses=_NOT_FOUND, response_model_exclude_none=True)
def get(webhook_id: PathId, caller: Authenticated) -> views.Webhook:
    """A destination, and whether it works."""
    return views.webhook(webhooks.get(caller.world, _id(webhook_id)))


@_plain.put("/{webhook_id}", responses=_NOT_FOUND, response_model_exclude_none=True)
def replace(webhook_id: PathId, body: views.WebhookBody, caller: Authenticated) -> views.Webhook:
    """Replace URL, title and events; the secret stays."""
    storable(body.model_dump())
    id_ = _id(webhook_id)
    return views.webhook(
        webhooks.replace(caller.world, id_, url=body.url, title=body.title, events=body.events)
    )


@_plain.delete("/{webhook_id}", status_code=204, responses=_NOT_FOUND)
def remove(webhook_id: PathId, caller: Authenticated) -> Response:
    """Remove a destination; it is told nothing more."""
    webhooks.archive(caller.world, _id(webhook_id))
    return Response(status_code=204)


@_plain.post("/{webhook_id}/pause", responses=_NOT_FOUND, response_model_exclude_none=True)
def pause(webhook_id: PathId, caller: Authenticated, body: views.PauseBody | None = None) -> views.Webhook:
    """Hold back what it is to be told; held deliveries can be replayed once it is resumed."""
    reason = storable(body.reason) if body else None
    return views.webhook(webhooks.pause(caller.world, _id(webhook_id), reason))


@_plain.post("/{webhook_id}/resume", responses=_NOT_FOUND, response_model_exclude_none=True)
def resume(webhook_id: PathId, caller: Authenticated) -> views.Webhook:
    """Tell it of what happens from now on."""
    return views.webhook(webhooks.resume(caller.world, _id(webhook_id)))


@_secret.post("/{webhook_id}/rotate-secret", responses=_NOT_FOUND, response_model_exclude_none=True)
def rotate(
    webhook_id: PathId, caller: Authenticated, body: views.RotateBody | None = None
) -> views.WebhookWithSecret:
    """Give it a new secret; for a day the one before signs as well, by Standard Webhooks."""
    secret = (body.secret if body else None) or webhooks.new_secret()
    return views.made(webhooks.rotate(caller.world, _id(webhook_id), secret))


@_plain.post("/{webhook_id}/test", responses=_NOT_FOUND, response_model_exclude_none=True)
def test(webhook_id: PathId, caller: Authenticated) -> views.DeliveryDetail:
    """Send it a `webhook:test` event now, once, and say what came of it."""
    sent, attempt = webhook_log.test(caller.world, _id(webhook_id))
    return views.detail(sent, [attempt])


@_plain.get("/{webhook_id}/deliveries", responses=_NOT_FOUND, response_model_exclude_none=True)
def deliveries(
    webhook_id: PathId,
    caller: Authenticated,
    state: Annotated[HookState | None, Query()] = None,
    cursor: Cursor = None,
) -> views.DeliveryPage:
    """What it was told, or is to be, newest first."""
    query = ("deliveries", webhook_id, state)
    before = decode_as(UUID, cursor, query)
    rows = webhook_log.find(caller.world, _id(webhook_id), state=state, before=before, limit=PAGE_SIZE + 1)
    paging, shown = page_by_id(rows, query)
    return views.DeliveryPage(paging=paging, results=[views.delivery(row) for row in shown])


@_plain.get("/{webhook_id}/deliveries/{delivery_id}", responses=_NOT_FOUND, response_model_exclude_none=True)
def delivery(webhook_id: PathId, delivery_id: PathId, caller: Authenticated) -> views.DeliveryDetail:
    """What was sent, and each call."""
    return views.detail(*webhook_log.get(caller.world, _id(webhook_id), _id(delivery_id, "delivery")))


@_plain.post(
    "/{webhook_id}/replay",
    status_code=202,
    responses={**_NOT_FOUND, **_CONFLICT},
    response_model_exclude_none=True,
)
def replay(webhook_id: PathId, body: views.ReplayBody, caller: Authenticated, wakes: Wakes) -> views.Replay:
    """Send again, byte by byte: one delivery, or what failed or was held back (since a time)."""
    replayed = _replayed(caller, webhook_id, body)
    wakes.offer(replayed.handoff)
    cursor = encode(str(replayed.last), _query(webhook_id, body)) if replayed.last else None
    return views.Replay(replayed=replayed.count, cursor=cursor)


def _replayed(caller: Authenticated, webhook_id: str, body: views.ReplayBody) -> webhook_log.Replayed:
    id_ = _id(webhook_id)
    if body.deliveryId is not None:
        return webhook_log.replay_one(caller.world, id_, _id(body.deliveryId, "delivery"))
    states = [HookState(state) for state in dict.fromkeys(body.states)]
    since = datetime.fromtimestamp(body.since / 1000, clock.UTC) if body.since is not None else None
    after = decode_as(UUID, body.cursor, _query(webhook_id, body))
    return webhook_log.replay(caller.world, id_, states, since=since, after=after)


def _query(webhook_id: str, body: views.ReplayBody) -> object:
    return "replay", webhook_id, sorted(set(body.states))


def _id(text: str, what: str = "webhook") -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(f"This {what} does not exist.") from None


router.include_router(_secret)
router.include_router(_plain)
