"""``/routing-strategies``: named routing that templates share."""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, Field, TypeAdapter
from starlette.responses import Response

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.idempotency import IdempotentRoute
from notify.api.notifications import summary
from notify.api.paging import DEFAULT_LIMIT, Cursor, Limit, Paging, PathId, decode, page
from notify.api.storable import storable
from notify.clock import to_ms
from notify.manage import routing_strategies
from notify.model.wire_base import kept_as_given
from notify.model.wire_routing import BoundedRouting, ChannelSettings, ProviderSettings, Routing
from notify.store.routing_strategies import Strategy

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "No such strategy."}}
_IN_USE: dict[int | str, dict[str, Any]] = {409: {"model": ErrorBody, "description": "A template uses it."}}
_CREATOR = "api"
router = APIRouter(
    tags=["routing-strategies"],
    prefix="/routing-strategies",
    responses=RESPONSES,
    dependencies=[DOCUMENTED],
    route_class=IdempotentRoute,
)
_Tag = Annotated[str, Field(min_length=1, max_length=100)]


_Channels = dict[str, ChannelSettings]
_Providers = dict[str, ProviderSettings]


class StrategyBody(BaseModel):
    name: str = Field(min_length=1, max_length=500, examples=["Email, then SMS"])
    routing: Annotated[dict[str, Any], kept_as_given(TypeAdapter(BoundedRouting), Routing)] = Field(
        examples=[{"method": "single", "channels": ["email", "sms"]}]
    )
    description: str | None = Field(default=None, max_length=5000)
    tags: Annotated[list[_Tag], Field(max_length=100)] | None = None
    channels: Annotated[dict[str, Any], kept_as_given(TypeAdapter(_Channels), _Channels)] | None = Field(
        default=None, description="As in a send."
    )
    providers: Annotated[dict[str, Any], kept_as_given(TypeAdapter(_Providers), _Providers)] | None = Field(
        default=None, description="As in a send."
    )


def _as_given(body: StrategyBody) -> StrategyBody:
    storable(body.model_dump())
    return body


_Body = Annotated[StrategyBody, AfterValidator(_as_given)]


class StrategySummary(BaseModel):
    """Times: UTC, epoch milliseconds."""

    id: str = Field(examples=["rs_01"])
    name: str
    description: str | None = None
    tags: list[str] | None = None
    created: int
    creator: str
    updated: int | None = None
    updater: str | None = None


class StrategyView(StrategySummary):
    routing: dict[str, Any]
    channels: dict[str, Any]
    providers: dict[str, Any]


class StrategyPage(BaseModel):
    paging: Paging
    results: list[StrategySummary]


class UserPage(BaseModel):
    paging: Paging
    results: list[dict[str, Any]]


def values(body: StrategyBody) -> dict[str, Any]:
    return {**body.model_dump(), "channels": body.channels or {}, "providers": body.providers or {}}


def _summary(found: Strategy) -> dict[str, Any]:
    changed = {"updated": to_ms(found.updated_at), "updater": _CREATOR} if found.updated_at else {}
    return {
        "id": found.id,
        "name": found.name,
        "description": found.description,
        "tags": found.tags,
        "created": to_ms(found.created_at),
        "creator": _CREATOR,
        **changed,
    }


def _view(found: Strategy) -> StrategyView:
    return StrategyView(**_summary(found), **found.as_sent())


@router.get("", response_model_exclude_none=True)
def find(caller: Authenticated, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> StrategyPage:
    """Strategies, newest first, without their routing."""
    rows = routing_strategies.find(caller.world, before=decode(cursor, "strategies"), limit=limit + 1)
    shown = [StrategySummary(**_summary(row)) for row in rows[:limit]]
    last = shown[-1].id if shown else None
    return StrategyPage(paging=page(rows, last, "strategies", limit), results=shown)


@router.post("", status_code=201, response_model_exclude_none=True)
def create(body: _Body, caller: Authenticated) -> StrategyView:
    """Create a strategy."""
    return _view(routing_strategies.create(caller.world, values(body)))


@router.get("/{strategy_id}", responses=_NOT_FOUND, response_model_exclude_none=True)
def get(strategy_id: PathId, caller: Authenticated) -> StrategyView:
    """One strategy, with its routing."""
    return _view(routing_strategies.get(caller.world, strategy_id))


@router.put("/{strategy_id}", responses=_NOT_FOUND, response_model_exclude_none=True)
def replace(strategy_id: PathId, body: _Body, caller: Authenticated) -> StrategyView:
    """Replace a strategy; what is omitted is cleared. What is rendered already goes by the one before."""
    return _view(routing_strategies.replace(caller.world, strategy_id, values(body)))


@router.delete("/{strategy_id}", status_code=204, responses={**_NOT_FOUND, **_IN_USE})
def archive(strategy_id: PathId, caller: Authenticated) -> Response:
    """Archive a strategy that no template uses."""
    routing_strategies.archive(caller.world, strategy_id)
    return Response(status_code=204)


@router.get("/{strategy_id}/notifications", responses=_NOT_FOUND, response_model_exclude_none=True)
def notifications(
    strategy_id: PathId, caller: Authenticated, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> UserPage:
    """The templates that use it, newest first."""
    query = ("using", strategy_id)
    rows = routing_strategies.notifications(
        caller.world, strategy_id, before=decode(cursor, query), limit=limit + 1
    )
    shown = [summary(row) for row in rows[:limit]]
    last = rows[: len(shown)][-1].id if shown else None
    return UserPage(paging=page(rows, last, query, limit), results=shown)
