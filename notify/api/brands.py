"""``/brands``: how emails look."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from notify.api import brand_views as views
from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.idempotency import IdempotentRoute
from notify.api.paging import PAGE_SIZE, Cursor, KeyId, decode, page
from notify.manage import brands

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "No such brand."}}
_TAKEN: dict[int | str, dict[str, Any]] = {409: {"model": ErrorBody, "description": "The id is taken."}}
_DEFAULT: dict[int | str, dict[str, Any]] = {409: {"model": ErrorBody, "description": "It is the default."}}
router = APIRouter(
    tags=["brands"],
    prefix="/brands",
    responses=RESPONSES,
    dependencies=[DOCUMENTED],
    route_class=IdempotentRoute,
)


@router.get("", response_model_exclude_none=True)
def find(caller: Authenticated, cursor: Cursor = None) -> views.BrandPage:
    """Brands by id."""
    rows = brands.find(caller.world, after=decode(cursor, "brands"), limit=PAGE_SIZE + 1)
    shown = [views.view(row) for row in rows[:PAGE_SIZE]]
    return views.BrandPage(paging=page(rows, shown[-1].id if shown else None, "brands"), results=shown)


@router.post("", responses=_TAKEN)
def create(body: views.NewBrandBody, caller: Authenticated) -> views.BrandView:
    """Create a brand; the first one is the default."""
    return views.view(brands.create(caller.world, body.id, **body.parts()))


@router.get("/{brand_id}", responses=_NOT_FOUND)
def get(brand_id: KeyId, caller: Authenticated) -> views.BrandView:
    """One brand."""
    return views.view(brands.get(caller.world, brand_id))


@router.put("/{brand_id}", responses=_NOT_FOUND)
def replace(brand_id: KeyId, body: views.BrandBody, caller: Authenticated) -> views.BrandView:
    """Replace all of a brand; settings that are omitted are gone."""
    return views.view(brands.replace(caller.world, brand_id, **body.parts()))


@router.put("/{brand_id}/default", responses=_NOT_FOUND)
def make_default(brand_id: KeyId, caller: Authenticated) -> views.BrandView:
    """Make it the default. Ours alone."""
    return views.view(brands.make_default(caller.world, brand_id))


@router.delete("/{brand_id}", status_code=204, responses={**_NOT_FOUND, **_DEFAULT})
def delete(brand_id: KeyId, caller: Authenticated) -> Response:
    """Delete a brand; what names it is sent without one."""
    brands.delete(caller.world, brand_id)
    return Response(status_code=204)
