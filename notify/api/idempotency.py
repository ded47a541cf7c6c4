"""Idempotency keys: the headers, and the route class that honours them on every other POST.

``POST /send`` stores its key in the transaction that stores the message; see ``pipeline/accept.py``.
"""

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from notify import clock
from notify.api import auth
from notify.api.errors import ErrorBody
from notify.errors import Conflict, InvalidRequest
from notify.manage import idempotency
from notify.store.idempotency import MAX_KEY_LENGTH, Key

_SHORTEST = timedelta(hours=24)
_LONGEST = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Given:
    """The two headers, checked."""

    key: str | None
    expires_at: datetime


# Not a coroutine for its own sake: FastAPI would run a plain function in a thread.
async def _given(
    idempotency_key: Annotated[
        str | None,
        Header(max_length=MAX_KEY_LENGTH, description="A repeat within 24 h gets the first answer."),
    ] = None,
    x_idempotency_expiration: Annotated[
        str | None, Header(description="Epoch milliseconds or ISO 8601; 24 hours to 1 year from now.")
    ] = None,
) -> Given:
    if idempotency_key and len(idempotency_key) > MAX_KEY_LENGTH:  # FastAPI has not looked, on other POSTs
        raise InvalidRequest(f"idempotency-key: may have at most {MAX_KEY_LENGTH} characters")
    now = clock.now()
    if not x_idempotency_expiration:
        return Given(idempotency_key, now + _SHORTEST)
    expires_at = _instant(x_idempotency_expiration)
    # A little slack: "24 hours from now" was worked out before the call travelled.
    if not now + _SHORTEST - timedelta(minutes=5) <= expires_at <= now + _LONGEST + timedelta(minutes=5):
        raise InvalidRequest("x-idempotency-expiration: must lie between 24 hours and 1 year from now")
    return Given(idempotency_key, max(expires_at, now + _SHORTEST))


def _instant(text: str) -> datetime:
    try:
        if text.isdigit():
            return datetime.fromtimestamp(int(text) / 1000, clock.UTC)
        at = datetime.fromisoformat(text)
        return at if at.tzinfo else at.replace(tzinfo=clock.UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidRequest("x-idempotency-expiration: give epoch milliseconds or ISO 8601") from None


IdempotencyKey = Annotated[Given, Depends(_given)]


def key_of(caller: auth.Caller, request: Request, given: Given) -> tuple[Key, datetime] | None:
    """The stored key of a call, with its expiry; None without the header."""
    if not given.key:
        return None
    scope = f"{request.method} {request.url.path}"
    return Key.of(caller.world, caller.mode, scope, given.key), given.expires_at


_DESCRIBED = {
    "parameters": [
        {
            "in": "header",
            "name": "Idempotency-Key",
            "description": "A repeat within 24 h gets the first answer.",
            "schema": {"type": "string", "maxLength": MAX_KEY_LENGTH},
        },
        {
            "in": "header",
            "name": "x-idempotency-expiration",
            "description": "Epoch milliseconds or ISO 8601; 24 hours to 1 year from now.",
            "schema": {"type": "string"},
        },
    ],
}
_UNDER_WAY = {409: {"model": ErrorBody, "description": "A request with this Idempotency-Key is under way."}}


class IdempotentRoute(APIRoute):
    """A POST under a key runs once; its answer, if it is a success, is what every repeat gets."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if "POST" in (options.get("methods") or ()):
            options["openapi_extra"] = {**(options.get("openapi_extra") or {}), **_DESCRIBED}
            options["responses"] = {**_UNDER_WAY, **(options.get("responses") or {})}
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        run = super().get_route_handler()

        async def handler(request: Request) -> Response:
            if request.method != "POST" or "idempotency-key" not in request.headers:
                return await run(request)
            caller = await auth.caller(request)
            given = await _given(
                request.headers["idempotency-key"], request.headers.get("x-idempotency-expiration")
            )
            named = key_of(caller, request, given)
            return await (_once(named, request, run) if named else run(request))

        return handler


async def _once(
    named: tuple[Key, datetime], request: Request, run: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    key, expires_at = named
    earlier = await run_in_threadpool(idempotency.begin, key, expires_at)
    if earlier is not None:
        if earlier.status is None:
            raise Conflict("A request with this Idempotency-Key is still in progress.", retry=True)
        return _replayed(earlier.status, earlier.body)
    try:
        response = await run(request)
    except BaseException:
        await run_in_threadpool(idempotency.release, key)
        raise
    await run_in_threadpool(idempotency.end, key, response.status_code, bytes(response.body))
    return response


def _replayed(status: int, body: Any) -> Response:
    return Response(status_code=status) if body is None else JSONResponse(body, status_code=status)
