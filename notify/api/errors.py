"""Error answers, written once: ``{"type", "message"}`` with the reference's words."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.routing import Match

from notify import log
from notify.api import observed, precedence
from notify.errors import Conflict, InvalidRequest, NotifyError, Quota, TooMany, Unavailable
from notify.model.problems import describe_all

_log = log.get(__name__)
_TYPES = {401: "authentication_error", 403: "authorization_error", 404: "not_found"}


class ErrorBody(BaseModel):
    """Every answer of 400 and above."""

    type: str
    message: str


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": description}
    for status, description in (
        (400, "Malformed or missing input; the message names the field."),
        (401, "The API key is missing, unknown or revoked."),
        (429, "Too many wrong keys from this address. Repeat the call after `Retry-After` s."),
        (503, "A part Notify needs is away. Repeat the call after `Retry-After` s, with the same key."),
    )
}
"""For routers: what any endpoint may answer."""


def answer(status: int, type_: str, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"type": type_, "message": message}, status_code=status, headers=headers)


def install(app: FastAPI) -> None:
    """Register the handlers."""
    app.add_exception_handler(NotifyError, _notify_error)
    app.add_exception_handler(InvalidRequest, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def _notify_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, NotifyError)
    headers = _quota(error.quota) if error.quota else {}
    if isinstance(error, TooMany | Unavailable):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, Conflict):
        # Without this header the official clients try a permanent conflict three times.
        headers["x-should-retry"] = "true" if error.retry else "false"
    return answer(error.status, error.type, str(error), headers)


def _quota(quota: Quota) -> dict[str, str]:
    return {
        "RateLimit-Limit": str(quota.limit),
        "RateLimit-Remaining": str(quota.remaining),
        "RateLimit-Reset": str(quota.reset_s),
    }


async def _refused(request: Request, error: Exception) -> Response:
    return _notify_error(request, await precedence.fault(request) or error)


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return await _refused(request, InvalidRequest(describe_all(error.errors(), error.body)))


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    type_ = _TYPES.get(error.status_code, "invalid_request_error")
    headers = dict(error.headers or {})
    if error.status_code == 405:
        # Starlette names the methods of the first route with this path only.
        headers["Allow"] = ", ".join(_methods(request))
    return answer(error.status_code, type_, str(error.detail), headers)


def _methods(request: Request) -> list[str]:
    def has(method: str) -> bool:
        asked = {**request.scope, "method": method}
        return any(route.matches(asked)[0] is Match.FULL for route in request.app.routes)

    return [method for method in ("GET", "POST", "PUT", "PATCH", "DELETE") if has(method)]


def _unexpected(request: Request, error: Exception) -> Response:
    # Answered outside of all middleware.
    id_ = observed.request_id(request.scope)
    _log.error("api.failed", method=request.method, request_id=id_, exc_info=error)
    headers = {observed.REQUEST_ID: id_}
    return answer(500, "internal_error", "Something went wrong on our side.", headers)
