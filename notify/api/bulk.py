"""``/bulk``: one message to many users who are named beforehand: define, add users, run."""

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, Field

from notify import settings
from notify.api.admission import Admitting
from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.idempotency import IdempotentRoute
from notify.api.paging import PAGE_SIZE, Cursor, Paging, PathId, decode_as, page
from notify.api.publisher import Wakes
from notify.api.storable import storable
from notify.errors import InvalidRequest, NotFound
from notify.manage import bulk
from notify.manage.shedding import Refuse
from notify.store.bulk_jobs import Job

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "No such job."}}
_CONFLICT: dict[int | str, dict[str, Any]] = {409: {"model": ErrorBody, "description": "The job has run."}}
router = APIRouter(
    tags=["bulk"],
    prefix="/bulk",
    responses=RESPONSES,
    dependencies=[DOCUMENTED],
    route_class=IdempotentRoute,
)
_Object = Annotated[dict[str, Any], AfterValidator(storable)]
_Id = Annotated[str, Field(min_length=1, max_length=512), AfterValidator(storable)]


class BulkMessage(BaseModel):
    """``event`` names the template, unless ``template`` or ``content`` does."""

    event: _Id | None = Field(default=None, examples=["order-shipped"])
    brand: _Id | None = None
    content: _Object | None = None
    data: _Object | None = None
    locale: dict[str, _Object] | None = Field(
        default=None,
        description="By locale: over `data`, for users of exactly that locale.",
        examples=[{"de": {"greeting": "Hallo"}}],
    )
    override: _Object | None = Field(default=None, description="By channel or provider key.")
    template: _Id | None = None


class BulkBody(BaseModel):
    message: BulkMessage


class BulkCreated(BaseModel):
    jobId: str


class UsersBody(BaseModel):
    users: list[_Object] = Field(
        examples=[[{"to": {"user_id": "user-1"}, "data": {"order": "A-17"}}]],
        description="At most 1000; each with `to`, `recipient` or `profile`, and `data` of its own.",
    )


class UserError(BaseModel):
    user: dict[str, Any]
    error: str = Field(examples=["Duplicate user"])


class UsersAdded(BaseModel):
    total: int
    errors: list[UserError]


class BulkJob(BaseModel):
    definition: dict[str, Any]
    enqueued: int
    failures: int
    received: int
    status: Literal["CREATED", "PROCESSING", "COMPLETED", "ERROR"]


class BulkAnswer(BaseModel):
    job: BulkJob


class UserPage(BaseModel):
    paging: Paging
    items: list[dict[str, Any]] = Field(
        description="Each user as it came, with `status` (PENDING, ENQUEUED, ERROR) and `messageId`."
    )


@router.post("", status_code=201)
def create(body: BulkBody, caller: Authenticated) -> BulkCreated:
    """Define a job; nothing is sent until it is run."""
    message = body.message
    if message.event is None and message.template is None and message.content is None:
        raise InvalidRequest("The 'event' parameter is required.")
    definition = message.model_dump(exclude_none=True)
    limit = settings.load().max_body_bytes
    return BulkCreated(jobId=str(bulk.create(caller.world, caller.mode, definition, limit)))


@router.get("/{job_id}", responses=_NOT_FOUND)
def get(job_id: PathId, caller: Authenticated) -> BulkAnswer:
    """A job and its counters. COMPLETED: every user has a message; it may still be under way."""
    return BulkAnswer(job=_view(bulk.get(caller.world, _id(job_id))))


@router.post("/{job_id}", responses={**_NOT_FOUND, **_CONFLICT})
def add(job_id: PathId, body: UsersBody, caller: Authenticated) -> UsersAdded:
    """Add up to 1000 users; any number of calls before the run."""
    total, refused = bulk.add(caller.world, _id(job_id), body.users)
    return UsersAdded(
        total=total, errors=[UserError(user=dict(one.user), error=one.error) for one in refused]
    )


@router.post("/{job_id}/run", status_code=204, responses={**_NOT_FOUND, **_CONFLICT})
def run(job_id: PathId, caller: Authenticated, wakes: Wakes, admitting: Admitting) -> Response:
    """Send to all its users; once."""
    admitting.check(Refuse.MANY)
    wakes.offer(bulk.run(caller.world, _id(job_id), settings.load().max_body_bytes))
    return Response(status_code=204)


@router.get("/{job_id}/users", responses=_NOT_FOUND)
def users(job_id: PathId, caller: Authenticated, cursor: Cursor = None) -> UserPage:
    """A job's users in the order they came, 100 a page."""
    query = ("users", job_id)
    after = decode_as(_seq, cursor, query) or 0
    rows = bulk.users(caller.world, _id(job_id), after=after, limit=PAGE_SIZE + 1)
    shown = rows[:PAGE_SIZE]
    items = [_user(one) for one in shown]
    return UserPage(paging=page(rows, str(shown[-1].seq) if shown else None, query), items=items)


def _user(one: bulk.Shown) -> dict[str, Any]:
    if one.message_id is None:
        return {**one.given, "status": "ERROR" if one.failed else "PENDING"}
    return {**one.given, "status": "ENQUEUED", "messageId": one.message_id}


def _view(job: Job) -> BulkJob:
    definition = {"event": job.definition.get("template") or "", **job.definition}
    return BulkJob(
        definition=definition,
        enqueued=job.enqueued,
        failures=job.received - job.enqueued if job.error else 0,
        received=job.received,
        status=_status(job),
    )


def _status(job: Job) -> Literal["CREATED", "PROCESSING", "COMPLETED", "ERROR"]:
    if job.request_id is None:
        return "CREATED"
    if job.error:
        return "ERROR"
    return "COMPLETED" if job.done else "PROCESSING"


def _seq(text: str) -> int:
    if not 0 <= (seq := int(text)) < 2**63:
        raise ValueError("no user of a job has this number")
    return seq


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("This bulk job does not exist.") from None
