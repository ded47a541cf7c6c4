"""What is said first of a call that is refused with 400: 401, 403, and 404 of what the path names.

FastAPI reads the body before it asks who is calling, and checks it before an endpoint can look anything up.
Here both are made up for, and only for calls that have failed: those that succeed pay nothing.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import unquote
from uuid import UUID

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from notify.api.auth import DOCUMENTED, caller
from notify.api.paging import MAX_ID_BYTES
from notify.api.storable import storable
from notify.errors import NotFound, NotifyError
from notify.manage import (
    audiences,
    brands,
    bulk,
    lists,
    messages,
    providers,
    routing_strategies,
    templates,
    tenants,
    topics,
)
from notify.model.names import World


def _by_uuid(get: Callable[[World, UUID], object]) -> Callable[[World, str], object]:
    def found(world: World, id_: str) -> object:
        try:
            return get(world, UUID(id_))
        except ValueError:
            raise NotFound(f"{id_!r} does not exist.") from None

    return found


_NAMED: Mapping[str, Callable[[World, str], object]] = MappingProxyType(
    {
        "/audiences/{audience_id}": audiences.get,
        "/brands/{brand_id}": brands.get,
        "/bulk/{job_id}": _by_uuid(bulk.get),
        "/lists/{list_id}": lists.get,
        "/messages/{message_id}": messages.get,
        "/notifications/{template_id}": lambda world, id_: templates.get(world, id_, "draft"),
        "/preferences/sections/{section_id}": topics.section,
        "/providers/{provider_id}": _by_uuid(providers.get),
        "/routing-strategies/{strategy_id}": routing_strategies.get,
        "/tenants/{tenant_id}": tenants.get,
    }
)
"""By the path of a resource: raises ``NotFound`` unless it is there."""


async def fault(request: Request) -> NotifyError | None:
    """What is to be said of a refused call before what is wrong with its input, if anything."""
    route = request.scope.get("route")
    if DOCUMENTED not in getattr(route, "dependencies", ()):
        return None
    try:
        who = await caller(request)
        # Client tokens are told of nothing that is not their users', not even whether it is there.
        if who.users is None and 404 in getattr(route, "responses", {}):
            await run_in_threadpool(_look, who.world, request)
    except NotifyError as first:
        return first
    return None


def _look(world: World, request: Request) -> None:
    path: str = request.scope["route"].path
    for named, get in _NAMED.items():
        if path == named or path.startswith(f"{named}/"):
            id_ = storable(unquote(request.path_params[named[named.index("{") + 1 : -1]]))
            if len(id_.encode()) <= MAX_ID_BYTES:
                get(world, id_)
