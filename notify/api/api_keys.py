"""``/api-keys``: who may call, as a key with the scope ``keys`` manages it. Ours alone."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from starlette.responses import Response

from notify import clock
from notify.api import api_key_views as views
from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.paging import PAGE_SIZE, Cursor, PathId, decode_as, page_by_id
from notify.clock import to_ms
from notify.errors import NotFound
from notify.manage import keys
from notify.manage.key_holder import Holder

_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "No such key in this world, or it is not in force any more."}
}
# No idempotent route: it keeps the answer, and an answer with a key is not for keeping.
router = APIRouter(tags=["api-keys"], prefix="/api-keys", responses=RESPONSES, dependencies=[DOCUMENTED])


@router.get("", response_model_exclude_none=True)
def find(caller: Authenticated, cursor: Cursor = None) -> views.ApiKeyPage:
    """Keys of this world, those no longer in force included, in the order they were made."""
    rows = keys.find(caller.world, after=decode_as(UUID, cursor, "api keys"), limit=PAGE_SIZE + 1)
    paging, shown = page_by_id(rows, "api keys")
    return views.ApiKeyPage(paging=paging, results=[views.shown(row) for row in shown])


@router.post("", status_code=201, response_model_exclude_none=True)
def create(body: views.NewKeyBody, caller: Authenticated) -> views.ApiKeyWithSecret:
    """Make a key of this world; the answer holds it, and it is not shown again."""
    expires_at = _instant(body.expires) if body.expires is not None else None
    new = keys.grant(_holder(caller), body.name, body.kind, frozenset(body.scopes), expires_at)
    stored = views.shown(keys.get(caller.world, new.id))
    return views.ApiKeyWithSecret(**stored.model_dump(), key=new.clear)


@router.get("/{key_id}", responses=_NOT_FOUND, response_model_exclude_none=True)
def get(key_id: PathId, caller: Authenticated) -> views.ApiKey:
    """What a key may, and whether it is used."""
    return views.shown(keys.get(caller.world, _id(key_id)))


@router.post("/{key_id}/rotate", responses=_NOT_FOUND, response_model_exclude_none=True)
def rotate(key_id: PathId, caller: Authenticated, body: views.RotateBody | None = None) -> views.RotatedKey:
    """Make a key like this one; the old one works until the overlap is over."""
    overlap = timedelta(seconds=(body or views.RotateBody()).overlap_s)
    new = keys.rotate(_id(key_id), overlap, _holder(caller))
    stored = views.shown(keys.get(caller.world, new.id))
    return views.RotatedKey(**stored.model_dump(), key=new.clear, oldExpires=to_ms(new.until) or 0)


@router.put("/{key_id}/expiry", responses=_NOT_FOUND, response_model_exclude_none=True)
def expire(key_id: PathId, body: views.ExpiryBody, caller: Authenticated) -> views.ApiKey:
    """Have a key refused from a time on, sooner than it would be."""
    id_ = _id(key_id)
    keys.expire(id_, _instant(body.expires), _holder(caller))
    return views.shown(keys.get(caller.world, id_))


@router.delete("/{key_id}", status_code=204, responses=_NOT_FOUND)
def revoke(key_id: PathId, caller: Authenticated) -> Response:
    """Refuse a key from now on; within five seconds every process does."""
    keys.revoke(_id(key_id), _holder(caller))
    return Response(status_code=204)


def _holder(caller: Authenticated) -> Holder:
    return Holder(world=caller.world, kind=caller.mode, scopes=caller.scopes)


def _instant(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, clock.UTC)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("This API key does not exist.") from None
