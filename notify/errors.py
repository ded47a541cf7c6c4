"""Errors a caller can mend, each with its HTTP status and the ``type`` of the answer.

NotifyError
 ├─ InvalidRequest   400 invalid_request_error
 │   ├─ InvalidParams     400 invalid_params
 │   └─ InvalidRateLimit  400 InvalidRateLimit
 ├─ Unauthenticated  401 authentication_error
 ├─ Forbidden        403 authorization_error
 ├─ NotFound         404 not_found
 ├─ Conflict         409 conflict (permanent unless ``retry``)
 ├─ TooMany          429 rate_limit_exceeded, with Retry-After
 └─ Unavailable      503 service_unavailable, with Retry-After
ContentError         a template or document that cannot be rendered: the message's failure, never the batch's

What a provider answered is not an exception: see ``notify.model.call``.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """How many tries a limit allows, how many are left, and in how many seconds there is one more."""

    limit: int
    remaining: int
    reset_s: int


class NotifyError(Exception):
    """Something the caller can mend; ``str()`` is the message they read.

    ``quota``: the limit that the call counted against, if it did.
    """

    status = 500
    type = "internal_error"
    quota: Quota | None = None


class InvalidRequest(NotifyError):
    status = 400
    type = "invalid_request_error"


class InvalidRateLimit(InvalidRequest):
    """A provider's ``rate_limit`` that cannot be kept to; the reference has a type of its own for it."""

    type = "InvalidRateLimit"


class InvalidParams(InvalidRequest):
    """A window of time that cannot be counted over; the reference has a type of its own for it."""

    type = "invalid_params"


class Unauthenticated(NotifyError):
    status = 401
    type = "authentication_error"


class Forbidden(NotifyError):
    status = 403
    type = "authorization_error"


class NotFound(NotifyError):
    status = 404
    type = "not_found"


class Conflict(NotifyError):
    """A state or name forbids the call. ``retry``: the same call may succeed later."""

    status = 409
    type = "conflict"

    def __init__(self, message: str, *, retry: bool = False) -> None:
        super().__init__(message)
        self.retry = retry


class Taken(Conflict):
    """An id that somebody else has."""


class TooMany(NotifyError):
    """The caller has to wait."""

    status = 429
    type = "rate_limit_exceeded"

    def __init__(self, message: str, quota: Quota) -> None:
        super().__init__(message)
        self.quota = quota
        self.retry_after_s = quota.reset_s


class Unavailable(NotifyError):
    """A part Notify needs is away; the call has changed nothing."""

    status = 503
    type = "service_unavailable"

    def __init__(self, message: str, *, retry_after_s: int = 2) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ContentError(Exception):
    """Content that cannot be rendered; the text names the line, variable or limit."""
