"""Who is calling: every endpoint but the health checks asks for an API key."""

import base64
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from notify.errors import Unauthenticated
from notify.manage import keys
from notify.model.names import Mode, World

_SCHEME = HTTPBearer(auto_error=False, description="`Authorization: Bearer pk_test_...`")


@dataclass(frozen=True, slots=True)
class Caller:
    """``world``: where everything this call reads and writes lives. ``mode``: what its sends do."""

    world: World
    key_id: str
    mode: Mode


async def caller(request: Request) -> Caller:
    """The caller by their key, as Bearer token or (old clients) Basic user name.

    Raises:
        Unauthenticated: no key, or none in force.
    """
    clear = _clear_key(request.headers.get("authorization", ""))
    if not clear:
        raise Unauthenticated("Give an API key: 'Authorization: Bearer <key>'.")
    found = keys.known(clear) or await run_in_threadpool(keys.authenticate, clear)
    if found is None:
        raise Unauthenticated("This API key is not known.")
    return Caller(world=found.world, key_id=str(found.id), mode=found.kind)


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
