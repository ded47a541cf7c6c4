"""``/translations/{domain}/{locale}``: gettext ``.po`` files."""

from typing import Any

import orjson
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import PlainTextResponse, Response

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.paging import KeyId
from notify.api.storable import storable
from notify.errors import InvalidRequest
from notify.manage import translations

_EXAMPLE = 'msgid "Hello"\nmsgstr "Hallo"\n'
_TEXT = {"schema": {"type": "string"}, "example": _EXAMPLE}
_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "No translations for this locale."}
}
router = APIRouter(
    tags=["translations"], prefix="/translations", responses=RESPONSES, dependencies=[DOCUMENTED]
)


@router.get(
    "/{domain}/{locale}",
    responses={**_NOT_FOUND, 200: {"content": {"text/plain": _TEXT}, "description": "The file."}},
)
def get(domain: KeyId, locale: KeyId, caller: Authenticated) -> PlainTextResponse:
    """The file as it was uploaded."""
    return PlainTextResponse(translations.get(caller.world, domain, locale))


@router.put(
    "/{domain}/{locale}",
    status_code=204,
    openapi_extra={
        "requestBody": {"required": True, "content": {"text/plain": _TEXT, "application/json": _TEXT}}
    },
)
async def put(domain: KeyId, locale: KeyId, caller: Authenticated, request: Request) -> Response:
    """Upload the translations of a locale: the file itself, or as a JSON string."""
    po = _text(await request.body(), "json" in request.headers.get("content-type", ""))
    await run_in_threadpool(translations.put, caller.world, domain, locale, storable(po))
    return Response(status_code=204)


def _text(body: bytes, is_json: bool) -> str:
    try:
        if not is_json:
            return body.decode()
        said = orjson.loads(body)
    except (UnicodeDecodeError, orjson.JSONDecodeError):
        raise InvalidRequest("The body must be a .po file in UTF-8, as text or as a JSON string") from None
    if not isinstance(said, str):
        raise InvalidRequest("The body must be a .po file in UTF-8, as text or as a JSON string")
    return said
