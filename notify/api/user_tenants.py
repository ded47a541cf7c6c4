"""``/users/{user_id}/tenants``: of which tenants a user is a member."""

from typing import Any

from fastapi import APIRouter, Request, Response

from notify.api import tenant_views as views
from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.paging import DEFAULT_LIMIT, Cursor, KeyId, Limit, decode, listed
from notify.api.publisher import Wakes
from notify.manage import tenants

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "No such tenant."}}
router = APIRouter(
    tags=["users"], prefix="/users/{user_id}/tenants", responses=RESPONSES, dependencies=[DOCUMENTED]
)


@router.get("", response_model_exclude_none=True)
def find(
    request: Request,
    user_id: KeyId,
    caller: Authenticated,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> views.MembershipPage:
    """The user's tenants, by id."""
    query = ("tenants of", user_id)
    rows = tenants.of_user(caller.world, user_id, after=decode(cursor, query), limit=limit + 1)
    shown = [views.membership(row) for row in rows[:limit]]
    paging = listed(request, rows, limit, shown[-1].tenant_id if shown else None, query)
    return views.MembershipPage(**paging.model_dump(), items=shown)


@router.put("", status_code=204, responses=_NOT_FOUND)
def join_several(
    user_id: KeyId, body: views.MembershipsBody, caller: Authenticated, wakes: Wakes
) -> Response:
    """Add the user to tenants; their others stay."""
    wanted = {one.tenant_id: one.profile for one in body.tenants}
    tenants.join(caller.world, user_id, wanted, wake=wakes.offer)
    return Response(status_code=204)


@router.delete("", status_code=204)
def leave_all(user_id: KeyId, caller: Authenticated, wakes: Wakes) -> Response:
    """Take the user out of every tenant."""
    tenants.leave_all(caller.world, user_id, wake=wakes.offer)
    return Response(status_code=204)


@router.put("/{tenant_id}", status_code=204, responses=_NOT_FOUND)
def join(
    user_id: KeyId,
    tenant_id: KeyId,
    caller: Authenticated,
    wakes: Wakes,
    body: views.MembershipBody | None = None,
) -> Response:
    """Add the user to a tenant, or replace what they are there."""
    tenants.join(caller.world, user_id, {tenant_id: body.profile if body else None}, wake=wakes.offer)
    return Response(status_code=204)


@router.delete("/{tenant_id}", status_code=204, responses=_NOT_FOUND)
def leave(user_id: KeyId, tenant_id: KeyId, caller: Authenticated, wakes: Wakes) -> Response:
    """Take the user out of a tenant."""
    tenants.leave(caller.world, user_id, tenant_id, wake=wakes.offer)
    return Response(status_code=204)
