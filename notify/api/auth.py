"""Who is calling: every endpoint but the health checks asks for an API key."""

import base64
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from notify import acting
from notify.api import client_scopes, scopes, throttle
from notify.errors import Forbidden, NotFound, Unauthenticated
from notify.manage import client_tokens, keys
from notify.model.names import Mode, World
from notify.model.scopes import KeyScope
from notify.store.keys import StoredKey

_SCHEME = HTTPBearer(auto_error=False, description="`Authorization: Bearer pk_test_...`")


@dataclass(frozen=True, slots=True)
class Caller:
    """``world``: where everything this call reads and writes lives. ``mode``: what its sends do.

    ``users``: the only ones a client token is for; None: an API key, which is for all.
    """

    world: World
    key_id: str
    mode: Mode
    scopes: frozenset[KeyScope] = frozenset()
    users: frozenset[str] | None = None

    def recipient(self, asked: str | None) -> str | None:
        """Whose messages are listed.

        Raises:
            Forbidden: a client token is for others, or for several and does not say for whom.
        """
        if self.users is None:
            return asked
        if asked is None and len(self.users) == 1:
            return next(iter(self.users))
        if asked not in self.users:
            raise Forbidden("recipient: must be a user of this client token.")
        return asked

    def check_sees(self, recipient: str) -> None:
        """Let the caller see what is this user's.

        Raises:
            NotFound: it is none of theirs.
        """
        if self.users is not None and recipient not in self.users:
            raise NotFound("There is no such message for this client token.")


async def caller(request: Request) -> Caller:
    """The caller by their key, as Bearer token or (old clients) Basic user name.

    Raises:
        Unauthenticated: no key, or none in force.
        TooMany: there were too many wrong ones from this address.
        Forbidden: the key or client token lacks the scope that the route asks for.
    """
    clear = _clear_key(request.headers.get("authorization", ""))
    if not clear:
        raise Unauthenticated("Give an API key: 'Authorization: Bearer <key>'.")
    if (found := keys.known(clear)) is not None:
        return _program(request, found)
    with throttle.watched(request, clear):
        if client_tokens.looks_like_one(clear):
            return await _client(request, clear)
        found = await run_in_threadpool(keys.authenticate, clear)
        if found is None:
            raise Unauthenticated("This API key is not known.")
    return _program(request, found)


def _program(request: Request, key: StoredKey) -> Caller:
    scopes.check(request, key)
    acting.become(acting.Actor(id=str(key.id), name=key.name, source="api"))
    return Caller(world=key.world, key_id=str(key.id), mode=key.kind, scopes=key.scopes)


async def _client(request: Request, token: str) -> Caller:
    grant = await run_in_threadpool(client_tokens.read, token)
    client_scopes.check(request, grant)
    users = ", ".join(sorted(grant.users)) or "nobody"
    acting.become(acting.Actor(id=str(grant.key_id), name=f"client token of {users}", source="api"))
    return Caller(world=grant.world, key_id=str(grant.key_id), mode=grant.mode, users=grant.users)


def _clear_key(header: str) -> str | None:
    scheme, _, value = header.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value).decode().split(":")[0]
        except ValueError:
            return None
    return None


Authenticated = Annotated[Caller, Depends(caller)]
DOCUMENTED = Depends(_SCHEME)
"""Names the security scheme in OpenAPI."""
