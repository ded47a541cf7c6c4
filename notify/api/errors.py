"""Error answers, written once: ``{"type", "message"}`` with the reference's words."""

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from notify import log
from notify.api import observed
from notify.errors import Conflict, NotifyError, TooMany, Unavailable
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
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def _notify_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, NotifyError)
    headers: dict[str, str] = {}
    if isinstance(error, TooMany | Unavailable):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, Conflict):
        # Without this header the official clients try a permanent conflict three times.
        headers["x-should-retry"] = "true" if error.retry else "false"
    return answer(error.status, error.type, str(error), headers)


def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return answer(400, "invalid_request_error", describe_all(error.errors()))


def _http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    type_ = _TYPES.get(error.status_code, "invalid_request_error")
    return answer(error.status_code, type_, str(error.detail), dict(error.headers or {}))


def _unexpected(request: Request, error: Exception) -> Response:
    # Answered outside of all middleware.
    id_ = observed.request_id(request.scope)
    _log.error("api.failed", method=request.method, request_id=id_, exc_info=error)
    headers = {observed.REQUEST_ID: id_}
    return answer(500, "internal_error", "Something went wrong on our side.", headers)
