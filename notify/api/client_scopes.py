"""What client tokens open: a few endpoints, each for its scope, and only for the token's own users."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import unquote

from starlette.requests import Request

from notify.errors import Forbidden
from notify.manage.client_tokens import Grant


@dataclass(frozen=True, slots=True)
class Opens:
    """The scopes for reading and for changing. ``only``: the paths that are meant, if not all below.

    ``of_users``: what is found there depends on whom the token is for.
    """

    read: str
    write: str | None = None
    only: frozenset[str] = frozenset()
    of_users: bool = False


_MESSAGES = frozenset(
    {"/messages", "/messages/{message_id}", "/messages/{message_id}/history", "/messages/{message_id}/output"}
)
_BRANDS = frozenset({"/brands", "/brands/{brand_id}"})
"""Not which one is the default: that concerns all of them."""

_ENDPOINTS: Mapping[str, Opens] = MappingProxyType(
    {
        "/users/{user_id}/tokens": Opens("read:user-tokens", "write:user-tokens"),
        "/users/{user_id}/preferences": Opens("read:preferences", "write:preferences"),
        "/brands": Opens("read:brands", "write:brands", only=_BRANDS),
        "/messages": Opens("read:messages", only=_MESSAGES, of_users=True),
    }
)


def check(request: Request, grant: Grant) -> None:
    """Let the token through.

    Raises:
        Forbidden: the endpoint is for API keys, the token lacks its scope, or is for other users.
    """
    path, named = request.scope["route"].path, request.path_params
    opens = next((opens for begin, opens in _ENDPOINTS.items() if _is_below(path, begin)), None)
    scope = _scope(opens, request.method, path) if opens else None
    if opens is None or scope is None:
        raise Forbidden("Client tokens do not open this endpoint: it takes an API key.")
    if not _has(grant, scope, named.get("brand_id")):
        raise Forbidden(f"This client token lacks the scope {scope!r}.")
    if "user_id" in named and unquote(named["user_id"]) not in grant.users:
        raise Forbidden("This client token is not for this user.")
    if opens.of_users and not grant.users:
        raise Forbidden("This client token is for no user: it lacks the scope 'user_id:<id>'.")


def _scope(opens: Opens, method: str, path: str) -> str | None:
    if opens.only and path not in opens.only:
        return None
    return opens.read if method in ("GET", "HEAD") else opens.write


def _is_below(path: str, begin: str) -> bool:
    return path == begin or path.startswith(f"{begin}/")


def _has(grant: Grant, scope: str, brand_id: str | None) -> bool:
    of_one = f"{scope}:{unquote(brand_id)}" if brand_id else scope
    return not grant.scopes.isdisjoint({scope, of_one})
