"""The reference's endpoints: our own table of them, and what the installed official client calls.

``{}`` stands for an id.
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

import httpx
from courier import Courier
from courier._resource import SyncAPIResource

Pair = tuple[str, str]
"""Method and path."""

_BUILT: Mapping[str, str] = {
    "/audiences": "GET",
    "/audiences/{}": "DELETE GET PUT",
    "/audiences/{}/members": "GET",
    "/audit-events": "GET",
    "/audit-events/{}": "GET",
    "/auth/issue-token": "POST",
    "/brands": "GET POST",
    "/brands/{}": "DELETE GET PUT",
    "/bulk": "POST",
    "/bulk/{}": "GET POST",
    "/bulk/{}/run": "POST",
    "/bulk/{}/users": "GET",
    "/inbound/courier": "POST",
    "/lists": "GET",
    "/lists/{}": "DELETE GET PUT",
    "/lists/{}/restore": "PUT",
    "/lists/{}/subscriptions": "GET POST PUT",
    "/lists/{}/subscriptions/{}": "DELETE PUT",
    "/messages": "GET",
    "/messages/{}": "GET",
    "/messages/{}/cancel": "POST",
    "/messages/{}/history": "GET",
    "/messages/{}/output": "GET",
    "/messages/{}/resend": "POST",
    "/notifications": "GET POST",
    "/notifications/{}": "DELETE GET PUT",
    "/notifications/{}/content": "GET PUT",
    "/notifications/{}/elements/{}": "PUT",
    "/notifications/{}/locales/{}": "PUT",
    "/notifications/{}/metrics": "GET",
    "/notifications/{}/publish": "POST",
    "/notifications/{}/versions": "GET",
    "/notifications/{}/{}/checks": "DELETE GET PUT",
    "/preferences/logs": "GET",
    "/preferences/publish": "POST",
    "/preferences/sections": "GET POST",
    "/preferences/sections/{}": "DELETE GET PUT",
    "/preferences/sections/{}/topics": "GET POST",
    "/preferences/sections/{}/topics/{}": "DELETE GET PUT",
    "/preferences/sections/{}/topics/{}/digest": "DELETE",
    "/profiles/{}": "DELETE GET PATCH POST PUT",
    "/profiles/{}/lists": "DELETE GET POST",
    "/providers": "GET POST",
    "/providers/catalog": "GET",
    "/providers/{}": "DELETE GET PATCH PUT",
    "/requests/{}/archive": "PUT",
    "/routing-strategies": "GET POST",
    "/routing-strategies/{}": "DELETE GET PUT",
    "/routing-strategies/{}/notifications": "GET",
    "/send": "POST",
    "/tenants": "GET",
    "/tenants/{}": "DELETE GET PUT",
    "/tenants/{}/default_preferences/items/{}": "DELETE PUT",
    "/tenants/{}/templates": "GET",
    "/tenants/{}/templates/{}": "DELETE GET PUT",
    "/tenants/{}/templates/{}/publish": "POST",
    "/tenants/{}/templates/{}/versions/{}": "GET",
    "/tenants/{}/users": "GET",
    "/translations/{}/{}": "GET PUT",
    "/users/{}/preferences": "GET POST PUT",
    "/users/{}/preferences/{}": "DELETE GET PUT",
    "/users/{}/tenants": "DELETE GET PUT",
    "/users/{}/tenants/{}": "DELETE PUT",
    "/users/{}/tokens": "GET PUT",
    "/users/{}/tokens/{}": "DELETE GET PATCH PUT",
}

_LATER: Mapping[str, str] = {
    "/automations": "GET",
    "/automations/invoke": "POST",
    "/automations/runs": "GET",
    "/automations/runs/{}/steps": "GET",
    "/automations/{}/invoke": "POST",
    "/broadcasts": "GET POST",
    "/broadcasts/{}": "DELETE GET PUT",
    "/broadcasts/{}/cancel": "POST",
    "/broadcasts/{}/content": "GET PUT",
    "/broadcasts/{}/duplicate": "POST",
    "/broadcasts/{}/schedule": "POST",
    "/broadcasts/{}/send": "POST",
    "/digests/schedules/{}/instances": "GET",
    "/digests/schedules/{}/trigger": "POST",
    "/journeys": "GET POST",
    "/journeys/cancel": "POST",
    "/journeys/runs": "GET",
    "/journeys/runs/{}": "GET",
    "/journeys/runs/{}/steps": "GET",
    "/journeys/{}": "DELETE GET PUT",
    "/journeys/{}/invoke": "POST",
    "/journeys/{}/publish": "POST",
    "/journeys/{}/templates": "GET POST",
    "/journeys/{}/templates/{}": "DELETE GET PUT",
    "/journeys/{}/templates/{}/content": "GET PUT",
    "/journeys/{}/templates/{}/locales/{}": "PUT",
    "/journeys/{}/templates/{}/publish": "POST",
    "/journeys/{}/templates/{}/versions": "GET",
    "/journeys/{}/versions": "GET",
    "/notifications/{}/previews/runs": "GET POST",
    "/notifications/{}/previews/runs/{}": "GET",
    "/preferences/sections/{}/topics/{}/digest/release": "POST",
    "/previews/device-sets": "GET POST",
    "/previews/device-sets/{}": "DELETE GET PUT",
    "/previews/devices": "GET",
}


def _pairs(table: Mapping[str, str]) -> frozenset[Pair]:
    return frozenset((method, path) for path, methods in table.items() for method in methods.split())


BUILT = _pairs(_BUILT)
LATER = _pairs(_LATER)
"""Journeys, automations, broadcasts, digests, previews on mail clients: 404 until they exist."""

_ID = "~"
_ONE_OF = {"journeys.cancel": {"run_id": _ID}}
"""Methods with no argument that is always required, and still in need of one."""


def called_by_the_client() -> dict[str, Pair]:
    """What each method of the client calls, by its name; they are all called once, against nothing."""
    seen: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(204)

    http = httpx.Client(transport=httpx.MockTransport(note))
    client = Courier(api_key="x", base_url="http://nowhere.invalid", max_retries=0, http_client=http)
    calls = {}
    for name, method in _methods(client):
        args, named = _arguments(method)
        method(*args, **named, **_ONE_OF.get(name, {}))
        calls[name] = pair_of(seen[-1], {_ID})
    assert len(seen) == len(calls)
    return calls


def pair_of(request: httpx.Request, ids: set[str]) -> Pair:
    """Method and path of a call, where each of ``ids`` (as it is written in a path) has become ``{}``."""
    path = request.url.raw_path.decode().partition("?")[0]
    return request.method, "/".join("{}" if part in ids else part for part in path.split("/"))


def _methods(of: Any, prefix: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, member in inspect.getmembers_static(type(of)):
        if name.startswith(("_", "with_")):
            continue
        if isinstance(member, cached_property) and isinstance(sub := getattr(of, name), SyncAPIResource):
            yield from _methods(sub, f"{prefix}{name}.")
        elif inspect.isfunction(member) and isinstance(of, SyncAPIResource):
            yield f"{prefix}{name}", getattr(of, name)


def _arguments(method: Callable[..., Any]) -> tuple[list[str], dict[str, str]]:
    needed = [one for one in inspect.signature(method).parameters.values() if one.default is one.empty]
    args = [_ID for one in needed if one.kind is one.POSITIONAL_OR_KEYWORD]
    return args, {one.name: _ID for one in needed if one.kind is one.KEYWORD_ONLY}
