"""Which scope each endpoint asks of a key: the one place that says so; OpenAPI repeats it.

Reading takes ``read``, and changing what is configured ``manage``, unless a line here says otherwise.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI
from starlette.requests import Request

from notify.errors import Forbidden
from notify.model.scopes import KeyScope
from notify.store.keys import StoredKey

_BY_RESOURCE: Mapping[str, KeyScope] = MappingProxyType(
    {
        "api-keys": KeyScope.ADMIN,
        "audit-events": KeyScope.ADMIN,
        "pauses": KeyScope.ADMIN,
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
_HTTP_METHODS = frozenset({"get", "put", "post", "delete", "patch", "head", "options"})


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


_REFUSED = {
    "description": "The API key lacks the scope.",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ErrorBody"}}},
}


def describe(app: FastAPI) -> None:
    """Have OpenAPI name the scope of every operation that needs a key."""
    generate = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            for path, operations in generate()["paths"].items():
                for method in operations.keys() & _HTTP_METHODS:
                    _describe(operations[method], required(method.upper(), path))
        return generate()

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's documented way


def _describe(operation: dict[str, Any], scope: KeyScope) -> None:
    if security := operation.get("security"):
        operation["security"] = [{name: [str(scope)] for name in scheme} for scheme in security]
        operation["responses"]["403"] = _REFUSED
