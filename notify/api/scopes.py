"""Which scope each endpoint asks of a key: the one place that says so; OpenAPI repeats it.

Reading takes ``read``, and changing what is configured ``manage``, unless a line here says otherwise.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from starlette.requests import Request

from notify.errors import Forbidden
from notify.model.scopes import KeyScope
from notify.store.keys import StoredKey

_BY_RESOURCE: Mapping[str, KeyScope] = MappingProxyType(
    {
        "api-keys": KeyScope.KEYS,
        "audit-events": KeyScope.ADMIN,
        "pauses": KeyScope.ADMIN,
        "refusals": KeyScope.ADMIN,
        "retries": KeyScope.ADMIN,
    }
)
"""Whatever the method."""

_BY_PATH: Mapping[str, KeyScope] = MappingProxyType({"/users/{user_id}/data": KeyScope.ADMIN})
"""What is no matter of its resource."""

_CHANGES: Mapping[str, KeyScope] = MappingProxyType(
    {
        "send": KeyScope.SEND,
        "messages": KeyScope.SEND,
        "requests": KeyScope.SEND,
        "profiles": KeyScope.SEND,
        "users": KeyScope.SEND,
        "lists": KeyScope.SEND,
        "bulk": KeyScope.SEND,
        "inbound": KeyScope.SEND,
        # What the token then may is no more than the key itself.
        "auth": KeyScope.READ,
    }
)
"""All methods but reading ones."""

_READING = frozenset({"GET", "HEAD"})


def required(method: str, path: str) -> KeyScope:
    """The scope that a route asks for; ``path`` is the route's, as OpenAPI shows it."""
    resource = path.lstrip("/").partition("/")[0]
    if scope := _BY_PATH.get(path) or _BY_RESOURCE.get(resource):
        return scope
    if method in _READING:
        return KeyScope.READ
    return _CHANGES.get(resource, KeyScope.MANAGE)


def check(request: Request, key: StoredKey) -> None:
    """Let the key through.

    Raises:
        Forbidden: it lacks the scope of this route.
    """
    scope = required(request.method, request.scope["route"].path)
    if scope not in key.scopes:
        raise Forbidden(f"This API key lacks the scope {scope!r}.")


def describe(method: str, path: str, operation: dict[str, Any]) -> None:
    """Name the scope of an operation in OpenAPI, if it needs a key."""
    if security := operation.get("security"):
        scope = str(required(method, path))
        operation["security"] = [{name: [scope] for name in scheme} for scheme in security]
