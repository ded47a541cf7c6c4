"""``/tenants/{tenant_id}/templates``: what a tenant says in place of the template of the same id."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, TypeAdapter

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.idempotency import IdempotentRoute
from notify.api.paging import DEFAULT_LIMIT, Cursor, KeyId, Limit, Listed, decode, listed
from notify.api.storable import storable
from notify.clock import UTC
from notify.manage import tenant_templates
from notify.model.wire_base import kept_as_given
from notify.model.wire_routing import BoundedRouting, ChannelSettings, ProviderSettings, Routing
from notify.store.tenant_templates import Key, TenantTemplate

_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "No such tenant, template or version."}
}
_NOWHERE: dict[str, Any] = {"method": "single", "channels": []}
router = APIRouter(
    tags=["tenants"],
    prefix="/tenants/{tenant_id}/templates",
    responses={**RESPONSES, **_NOT_FOUND},
    dependencies=[DOCUMENTED],
    route_class=IdempotentRoute,
)
_Channels = dict[str, ChannelSettings]
_Providers = dict[str, ProviderSettings]


class TemplateBody(BaseModel):
    content: dict[str, Any] = Field(description="Elemental, or `title` and `body`.")
    routing: Annotated[dict[str, Any], kept_as_given(TypeAdapter(BoundedRouting), Routing)] | None = None
    channels: Annotated[dict[str, Any], kept_as_given(TypeAdapter(_Channels), _Channels)] | None = None
    providers: Annotated[dict[str, Any], kept_as_given(TypeAdapter(_Providers), _Providers)] | None = None


class PutBody(BaseModel):
    template: TemplateBody
    published: bool = False


class PublishBody(BaseModel):
    version: str = Field(default=tenant_templates.LATEST, examples=["v1"])


class Stored(BaseModel):
    id: str
    version: str = Field(examples=["v1"])
    published_at: str | None = None


class Published(Stored):
    published_at: str


class TemplateView(BaseModel):
    """``data``: the template as it was given. Times: ISO 8601, UTC; empty while there is none."""

    id: str
    version: str
    created_at: str
    updated_at: str
    published_at: str
    data: dict[str, Any]


class TemplatePage(Listed):
    items: list[TemplateView]


def _written(at: datetime | None) -> str:
    return at.astimezone(UTC).isoformat() if at else ""


def _view(found: TenantTemplate) -> TemplateView:
    shown = found.version == found.published_version
    return TemplateView(
        id=found.key.id,
        version=f"v{found.version}",
        created_at=_written(found.created_at),
        updated_at=_written(found.updated_at),
        published_at=_written(found.published_at) if shown else "",
        data={"routing": _NOWHERE, **found.payload},
    )


@router.get("", response_model_exclude_none=True)
def find(
    request: Request,
    tenant_id: KeyId,
    caller: Authenticated,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> TemplatePage:
    """A tenant's templates, by id."""
    query = ("tenant templates", tenant_id)
    rows = tenant_templates.find(caller.world, tenant_id, after=decode(cursor, query), limit=limit + 1)
    shown = [_view(row) for row in rows[:limit]]
    paging = listed(request, rows, limit, shown[-1].id if shown else None, query)
    return TemplatePage(**paging.model_dump(), items=shown)


@router.get("/{template_id}", response_model_exclude_none=True)
def get(tenant_id: KeyId, template_id: KeyId, caller: Authenticated) -> TemplateView:
    """What is published, or the newest version while nothing is."""
    return _view(tenant_templates.get(Key(caller.world, tenant_id, template_id)))


@router.put(
    "/{template_id}",
    responses={201: {"model": Stored, "description": "It is new."}},
    response_model_exclude_none=True,
)
def put(
    tenant_id: KeyId, template_id: KeyId, body: PutBody, caller: Authenticated, response: Response
) -> Stored:
    """Create a template, or add a version; sends go by it once it is published."""
    payload = storable(body.template.model_dump(exclude_none=True))
    key = Key(caller.world, tenant_id, template_id)
    version, new, at = tenant_templates.put(key, payload, publish=body.published)
    response.status_code = 201 if new else 200
    return Stored(id=template_id, version=f"v{version}", published_at=_written(at) or None)


@router.delete("/{template_id}", status_code=204)
def delete(tenant_id: KeyId, template_id: KeyId, caller: Authenticated) -> Response:
    """Delete it; sends go by the workspace's template again."""
    tenant_templates.delete(Key(caller.world, tenant_id, template_id))
    return Response(status_code=204)


@router.post("/{template_id}/publish")
def publish(
    tenant_id: KeyId, template_id: KeyId, caller: Authenticated, body: PublishBody | None = None
) -> Published:
    """Have sends go by a version."""
    key = Key(caller.world, tenant_id, template_id)
    version, at = tenant_templates.publish(key, storable(body.version) if body else tenant_templates.LATEST)
    return Published(id=template_id, version=f"v{version}", published_at=_written(at))


@router.get("/{template_id}/versions/{version}", response_model_exclude_none=True)
def get_version(tenant_id: KeyId, template_id: KeyId, version: KeyId, caller: Authenticated) -> TemplateView:
    """One version: `v2`, or `latest`."""
    return _view(tenant_templates.get(Key(caller.world, tenant_id, template_id), version))
