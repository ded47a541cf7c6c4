"""``/lists``: lists, and who is on them."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator

from notify.api import list_views as views
from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.idempotency import IdempotentRoute
from notify.api.paging import PAGE_SIZE, Cursor, KeyId, decode, page, page_by_id
from notify.api.storable import storable
from notify.manage import lists

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "No such list."}}
router = APIRouter(
    tags=["lists"],
    prefix="/lists",
    responses=RESPONSES,
    dependencies=[DOCUMENTED],
    route_class=IdempotentRoute,
)
PatternWord = Annotated[
    str | None,
    Query(max_length=512, description="`*` is one part of an id, `**` at the end one or more."),
    AfterValidator(storable),
]


@router.get("")
def find(caller: Authenticated, pattern: PatternWord = None, cursor: Cursor = None) -> views.ListPage:
    """Lists by id, 100 a page; those that match the pattern."""
    query = ("lists", pattern)
    rows = lists.find(caller.world, pattern, after=decode(cursor, query), limit=PAGE_SIZE + 1)
    paging, shown = page_by_id(rows, query)
    return views.ListPage(paging=paging, items=[views.shown(row) for row in shown])


@router.get("/{list_id}", responses=_NOT_FOUND)
def get(list_id: KeyId, caller: Authenticated) -> views.ListView:
    """One list."""
    return views.shown(lists.get(caller.world, list_id))


@router.put("/{list_id}", status_code=204)
def put(list_id: KeyId, body: views.ListBody, caller: Authenticated) -> Response:
    """Create or replace a list; its subscribers stay. A deleted list is there again."""
    lists.put(caller.world, list_id, body.name, views.written(body.preferences))
    return Response(status_code=204)


@router.delete("/{list_id}", status_code=204, responses=_NOT_FOUND)
def delete(list_id: KeyId, caller: Authenticated) -> Response:
    """Delete a list; sends to it reach nobody until it is restored."""
    lists.delete(caller.world, list_id)
    return Response(status_code=204)


@router.put("/{list_id}/restore", status_code=204, responses=_NOT_FOUND)
def restore(list_id: KeyId, caller: Authenticated) -> Response:
    """Bring back a deleted list with its subscribers."""
    lists.restore(caller.world, list_id)
    return Response(status_code=204)


@router.get("/{list_id}/subscriptions", response_model_exclude_none=True, responses=_NOT_FOUND)
def subscribers(list_id: KeyId, caller: Authenticated, cursor: Cursor = None) -> views.SubscriptionPage:
    """Who is on the list, by user id, 100 a page."""
    query = ("subscriptions", list_id)
    rows = lists.subscribers(caller.world, list_id, after=decode(cursor, query), limit=PAGE_SIZE + 1)
    shown = rows[:PAGE_SIZE]
    last = shown[-1].user_id if shown else None
    items = [views.subscription(row) for row in shown]
    return views.SubscriptionPage(paging=page(rows, last, query), items=items)


@router.post("/{list_id}/subscriptions", status_code=204)
def add(list_id: KeyId, body: views.RecipientsBody, caller: Authenticated) -> Response:
    """Add subscribers; who is on the list stays as they are. Creates the list."""
    lists.add(caller.world, list_id, views.users(body))
    return Response(status_code=204)


@router.put("/{list_id}/subscriptions", status_code=204)
def replace(list_id: KeyId, body: views.RecipientsBody, caller: Authenticated) -> Response:
    """Make these the list's only subscribers. Creates the list."""
    lists.replace(caller.world, list_id, views.users(body))
    return Response(status_code=204)


@router.put("/{list_id}/subscriptions/{user_id}", status_code=204)
def subscribe(
    list_id: KeyId, user_id: KeyId, caller: Authenticated, body: views.SubscriptionBody | None = None
) -> Response:
    """Subscribe one user, or replace the preferences of their subscription. Creates the list."""
    lists.subscribe(caller.world, list_id, user_id, views.written(body.preferences if body else None))
    return Response(status_code=204)


@router.delete("/{list_id}/subscriptions/{user_id}", status_code=204, responses=_NOT_FOUND)
def unsubscribe(list_id: KeyId, user_id: KeyId, caller: Authenticated) -> Response:
    """Take one user off the list."""
    lists.unsubscribe(caller.world, list_id, user_id)
    return Response(status_code=204)
