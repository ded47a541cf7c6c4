"""``/profiles/{user_id}/lists``: one user's lists."""

from fastapi import APIRouter

from notify.api import list_views as views
from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES
from notify.api.idempotency import IdempotentRoute
from notify.api.paging import PAGE_SIZE, Cursor, KeyId, decode, page
from notify.manage import lists

router = APIRouter(
    tags=["profiles"],
    prefix="/profiles/{user_id}/lists",
    responses=RESPONSES,
    dependencies=[DOCUMENTED],
    route_class=IdempotentRoute,
)


@router.get("", response_model_exclude_none=True)
def find(user_id: KeyId, caller: Authenticated, cursor: Cursor = None) -> views.UserListPage:
    """The lists the user is on, by id, 100 a page."""
    query = ("lists of", user_id)
    rows = lists.of_user(caller.world, user_id, after=decode(cursor, query), limit=PAGE_SIZE + 1)
    shown = [views.of_user(row) for row in rows[:PAGE_SIZE]]
    last = shown[-1].id if shown else None
    return views.UserListPage(paging=page(rows, last, query), results=shown)


@router.post("")
def subscribe(user_id: KeyId, body: views.UserListsBody, caller: Authenticated) -> views.Success:
    """Subscribe the user to lists, which are created; their other lists stay."""
    lists.subscribe_user(caller.world, user_id, views.wanted(body.lists))
    return views.Success()


@router.delete("")
def leave(user_id: KeyId, caller: Authenticated) -> views.Success:
    """Take the user off every list."""
    lists.leave_all(caller.world, user_id)
    return views.Success()
