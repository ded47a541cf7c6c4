"""``POST /inbound/webhook/{token}``: events from whoever can only call a URL; the token authenticates."""

from typing import Annotated, Any, TypeGuard

from fastapi import APIRouter, Header, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from notify.api import throttle
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.paging import PathId
from notify.errors import NotFound, Unauthenticated
from notify.manage import inbound, keys
from notify.model.scopes import KeyScope
from notify.store.idempotency import MAX_KEY_LENGTH
from notify.store.keys import StoredKey

PREFIX = "/inbound/webhook/"
_ANSWERS: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "No such token; it may have been revoked."},
    413: {"model": ErrorBody, "description": "The body is too large."},
}
_BODY = {
    "description": "JSON: an object, or a list with an event each. Anything else is taken as text.",
    "required": True,
    "content": {
        "application/json": {"schema": {}, "example": {"event": "order.shipped", "userId": "ada"}},
        "text/plain": {"schema": {"type": "string"}},
    },
}
router = APIRouter(tags=["inbound"], responses={**RESPONSES, **_ANSWERS})


class Received(BaseModel):
    received: int = Field(description="Events in the body.")


@router.post(f"{PREFIX}{{token}}", status_code=202, openapi_extra={"requestBody": _BODY})
async def receive(
    token: PathId,
    request: Request,
    idempotency_key: Annotated[
        str | None, Header(description="A repeat makes no second event.", max_length=MAX_KEY_LENGTH)
    ] = None,
) -> Received:
    """Report events by a URL alone; they are kept for what they may start."""
    # Before the body is read: a stranger's is not worth the memory.
    key = await _key(request, token)
    body = await request.body()
    count = await run_in_threadpool(inbound.receive, key, body, idempotency_key)
    return Received(received=count)


async def _key(request: Request, token: str) -> StoredKey:
    found = keys.known(token)
    if _opens(found):
        return found
    try:
        with throttle.watched(request, token):
            found = await run_in_threadpool(keys.authenticate, token)
            if not _opens(found):
                raise Unauthenticated
    except Unauthenticated as error:
        missing = NotFound("There is no such webhook.")
        missing.quota = error.quota
        raise missing from None
    return found


def _opens(key: StoredKey | None) -> TypeGuard[StoredKey]:
    """No other key does, however much it may: what stands in URLs is seen by others."""
    return key is not None and KeyScope.INBOUND in key.scopes
