"""``/tenants``: tenants, the defaults of their topics, their members."""

from typing import Any

from fastapi import APIRouter, Request, Response

from notify.api import tenant_views as views
from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.paging import DEFAULT_LIMIT, Cursor, KeyId, Limit, Word, decode, listed
from notify.manage import tenants

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "No such tenant."}}
_NO_TOPIC: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "No such tenant or topic."}
}
router = APIRouter(tags=["tenants"], prefix="/tenants", responses=RESPONSES, dependencies=[DOCUMENTED])


@router.get("", response_model_exclude_none=True)
def find(
    request: Request,
    caller: Authenticated,
    parent_tenant_id: Word = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> views.TenantPage:
    """Tenants by id; only the direct children of one, if it is named."""
    query = ("tenants", parent_tenant_id)
    after = decode(cursor, query)
    rows = tenants.find(caller.world, parent=parent_tenant_id, after=after, limit=limit + 1)
    shown = [views.tenant(row) for row in rows[:limit]]
    paging = listed(request, rows, limit, shown[-1].id if shown else None, query)
    return views.TenantPage(**paging.model_dump(), items=shown)


@router.get("/{tenant_id}", response_model_exclude_none=True, responses=_NOT_FOUND)
def get(tenant_id: KeyId, caller: Authenticated) -> views.TenantView:
    """One tenant, without what it has from its ancestors."""
    return views.tenant(tenants.get(caller.world, tenant_id))


@router.put("/{tenant_id}", response_model_exclude_none=True)
def put(tenant_id: KeyId, body: views.TenantBody, caller: Authenticated) -> views.TenantView:
    """Create or replace a tenant; its members stay."""
    return views.tenant(tenants.put(caller.world, views.stored(tenant_id, body)))


@router.delete("/{tenant_id}", status_code=204, responses=_NOT_FOUND)
def delete(tenant_id: KeyId, caller: Authenticated) -> Response:
    """Delete a tenant and its memberships; its users stay, its children become roots."""
    tenants.delete(caller.world, tenant_id)
    return Response(status_code=204)


@router.put("/{tenant_id}/default_preferences/items/{topic_id}", status_code=204, responses=_NO_TOPIC)
def put_default(
    tenant_id: KeyId, topic_id: KeyId, body: views.DefaultBody, caller: Authenticated
) -> Response:
    """Set what the tenant's users have of a topic until they say otherwise."""
    tenants.put_default(caller.world, tenant_id, views.topic_default(topic_id, body))
    return Response(status_code=204)


@router.delete("/{tenant_id}/default_preferences/items/{topic_id}", status_code=204, responses=_NO_TOPIC)
def drop_default(tenant_id: KeyId, topic_id: KeyId, caller: Authenticated) -> Response:
    """Have the tenant say nothing of a topic."""
    tenants.drop_default(caller.world, tenant_id, topic_id)
    return Response(status_code=204)


@router.get("/{tenant_id}/users", response_model_exclude_none=True, responses=_NOT_FOUND)
def members(
    request: Request,
    tenant_id: KeyId,
    caller: Authenticated,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> views.MembershipPage:
    """The tenant's members, by user id."""
    query = ("members", tenant_id)
    rows = tenants.members(caller.world, tenant_id, after=decode(cursor, query), limit=limit + 1)
    shown = [views.membership(row) for row in rows[:limit]]
    paging = listed(request, rows, limit, shown[-1].user_id if shown else None, query)
    return views.MembershipPage(**paging.model_dump(), items=shown)
