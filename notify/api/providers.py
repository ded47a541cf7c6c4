"""``/providers``: configurations of email, SMS and other services. Secrets go in and are shown masked."""

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.idempotency import IdempotentRoute
from notify.api.paging import PAGE_SIZE, Cursor, Many, Paging, PathId, Word, decode_as, page_by_id, split
from notify.api.storable import storable
from notify.clock import to_ms
from notify.errors import NotFound
from notify.manage import providers
from notify.providers import catalog
from notify.providers.base import RateLimit
from notify.store.providers import Configured

_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "No such configuration."}
}
_NAMED: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorBody, "description": "A routing strategy sends by it."}
}
_TAKEN: dict[int | str, dict[str, Any]] = {409: {"model": ErrorBody, "description": "The alias is taken."}}
router = APIRouter(
    tags=["providers"],
    prefix="/providers",
    responses=RESPONSES,
    dependencies=[DOCUMENTED],
    route_class=IdempotentRoute,
)


class ProviderBody(BaseModel):
    provider: str = Field(examples=["smtp"])
    alias: str | None = Field(default=None, max_length=100)
    title: str | None = Field(default=None, max_length=200)
    settings: dict[str, Any] = Field(
        default_factory=dict, examples=[{"host": "smtp.example.com", "port": 587}]
    )


class Provider(BaseModel):
    id: str
    created: int
    provider: str
    settings: dict[str, Any]
    title: str
    alias: str | None = None
    updated: int | None = None


class ProviderPage(BaseModel):
    paging: Paging
    results: list[Provider]


def _view(configured: Configured) -> Provider:
    return Provider(
        id=str(configured.id),
        created=to_ms(configured.created_at) or 0,
        provider=configured.provider,
        settings=providers.masked(configured),
        title=configured.title,
        alias=configured.alias,
        updated=to_ms(configured.updated_at),
    )


@router.get("", response_model_exclude_none=True)
def find(caller: Authenticated, cursor: Cursor = None) -> ProviderPage:
    """Configurations in the order they were made, which is their priority."""
    rows = providers.find(caller.world, after=decode_as(UUID, cursor, "providers"), limit=PAGE_SIZE + 1)
    paging, shown = page_by_id(rows, "providers")
    return ProviderPage(paging=paging, results=[_view(row) for row in shown])


@router.post("", status_code=201, responses=_TAKEN, response_model_exclude_none=True)
def create(body: ProviderBody, caller: Authenticated) -> Provider:
    """Configure a provider."""
    storable(body.model_dump())
    return _view(
        providers.create(
            caller.world, body.provider, alias=body.alias, title=body.title, settings=body.settings
        )
    )


class SettingView(BaseModel):
    type: str = Field(examples=["string"])
    required: bool
    values: list[str] | None = Field(default=None, description="Of an enum.")


class CatalogEntry(BaseModel):
    provider: str
    name: str
    description: str
    channel: str
    settings: dict[str, SettingView]


class CatalogPage(BaseModel):
    paging: Paging
    results: list[CatalogEntry]


@router.get("/catalog", response_model_exclude_none=True)
def catalogue(
    caller: Authenticated,
    keys: Annotated[Many, Query(description="Only these providers.")] = None,
    name: Annotated[Word, Query(description="Part of the name.")] = None,
    channel: Word = None,
) -> CatalogPage:
    """The providers there are, and what each wants to be told."""
    wanted = frozenset(split(keys)) if keys is not None else None
    found = [CatalogEntry.model_validate(asdict(one)) for one in catalog.entries(wanted, name, channel)]
    return CatalogPage(paging=Paging(more=False), results=found)


@router.get("/{provider_id}", responses=_NOT_FOUND, response_model_exclude_none=True)
def get(provider_id: PathId, caller: Authenticated) -> Provider:
    """One configuration, without its secrets."""
    return _view(providers.get(caller.world, _id(provider_id)))


@router.put("/{provider_id}", responses={**_NOT_FOUND, **_TAKEN}, response_model_exclude_none=True)
def replace(provider_id: PathId, body: ProviderBody, caller: Authenticated) -> Provider:
    """Replace a configuration; what is omitted is removed, a masked secret keeps its value."""
    storable(body.model_dump())
    return _view(
        providers.replace(
            caller.world,
            _id(provider_id),
            body.provider,
            alias=body.alias,
            title=body.title,
            settings=body.settings,
        )
    )


class PatchBody(BaseModel):
    provider: str | None = Field(default=None, description="Of the configuration; it cannot be changed.")
    alias: str | None = Field(default=None, max_length=100, description="null: none.")
    title: str | None = Field(default=None, max_length=200)
    settings: dict[str, Any] = Field(default_factory=dict, description="JSON Merge Patch: null removes.")


@router.patch("/{provider_id}", responses={**_NOT_FOUND, **_TAKEN}, response_model_exclude_none=True)
def patch(provider_id: PathId, body: PatchBody, caller: Authenticated) -> Provider:
    """Change what is given; all else stays."""
    fields = storable(body.model_dump(exclude_unset=True))
    return _view(providers.patch(caller.world, _id(provider_id), fields))


class RateBody(BaseModel):
    rate_limit: RateLimit | None = Field(description="null: no limit.")


@router.put("/{provider_id}/rate-limit", responses=_NOT_FOUND, response_model_exclude_none=True)
def limit(provider_id: PathId, body: RateBody, caller: Authenticated) -> Provider:
    """Change only its rate limit; it holds for what waits already, within a minute. Ours alone."""
    return _view(providers.limit(caller.world, _id(provider_id), body.rate_limit))


@router.delete("/{provider_id}", status_code=204, responses={**_NOT_FOUND, **_NAMED})
def delete(provider_id: PathId, caller: Authenticated) -> Response:
    """Delete a configuration; deliveries under way with it fail over."""
    providers.delete(caller.world, _id(provider_id))
    return Response(status_code=204)


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("This provider configuration does not exist.") from None
