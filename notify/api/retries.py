"""``/retries``: send again what failed: one message, or all that have something in common. Ours alone."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, BeforeValidator, Field

from notify import ids
from notify.api.admission import Admitting
from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.idempotency import IdempotentRoute
from notify.api.storable import storable
from notify.errors import NotFound
from notify.manage import retries
from notify.manage.shedding import Refuse
from notify.model.names import World
from notify.model.status import Reason, Status
from notify.store.failed import FAILURES, FailedFilters

router = APIRouter(
    tags=["retries"],
    prefix="/retries",
    responses=RESPONSES,
    dependencies=[DOCUMENTED],
    route_class=IdempotentRoute,
)
_RESPONSES: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "No such message."},
    409: {"model": ErrorBody, "description": "The message has not failed, or was retried before."},
}


def _failure(value: Any) -> Any:
    if not isinstance(value, str) or value not in FAILURES:
        raise ValueError(f"must be one of {', '.join(FAILURES)}")
    return value


class RetryBody(BaseModel):
    """One ``message``, or filters that combine with AND; no filter means all failures there are."""

    message: str | None = Field(default=None, description="Only this message.")
    status: Annotated[Status, BeforeValidator(_failure)] | None = Field(
        default=None, description="UNDELIVERABLE, UNROUTABLE or UNMAPPED; default: each of them."
    )
    reason: Reason | None = None
    provider: str | None = Field(default=None, description="A provider whose delivery failed.")
    notification: str | None = Field(default=None, description="The template's id or alias, as sent.")
    since: AwareDatetime | None = Field(default=None, description="Accepted then or later.")
    until: AwareDatetime | None = Field(default=None, description="Accepted before.")
    setAside: bool = Field(default=False, description="Only what was set aside since its workers died.")
    limit: int = Field(default=100, ge=1, le=retries.MAX, description="How many at most; the oldest first.")
    dryRun: bool = Field(default=False, description="Say how many there are, and send nothing.")


class RetriedView(BaseModel):
    messageId: str
    retriedAs: str


class RetryAnswer(BaseModel):
    count: int = Field(description="Messages sent again; in a dry run, how many would be without a limit.")
    results: list[RetriedView]


@router.post("", responses=_RESPONSES)
def retry(body: RetryBody, caller: Authenticated, admitting: Admitting) -> RetryAnswer:
    """Send failed messages again, as new ones; each is retried once."""
    storable(body.model_dump())
    if not body.dryRun:
        admitting.check(_kind(body, caller.world))
    if body.message is not None and not body.dryRun:
        return _answer([retries.one(caller.world, body.message)])
    filters = _filters(body)
    if body.dryRun:
        return RetryAnswer(count=retries.count(caller.world, filters), results=[])
    return _answer(retries.run(caller.world, filters, body.limit))


def _kind(body: RetryBody, world: World) -> Refuse:
    if body.message is None:
        return Refuse.MANY
    return Refuse.TEST if world is World.TEST else Refuse.ALL


def _filters(body: RetryBody) -> FailedFilters:
    message_id = ids.from_wire(body.message) if body.message is not None else None
    if message_id is None and body.message is not None:
        raise NotFound(f"Message {body.message!r} does not exist.")
    return FailedFilters(
        message_id=message_id,
        statuses=(body.status,) if body.status else FAILURES,
        reason=body.reason,
        provider=body.provider,
        notification=body.notification,
        since=_bounded(body.since),
        until=_bounded(body.until),
        set_aside=body.setAside,
    )


def _bounded(at: datetime | None) -> datetime | None:
    # What lies before our ids began, or after they end, is as good as not said.
    return at if at is None or 1970 < at.year < 9999 else None


def _answer(done: list[retries.Retried]) -> RetryAnswer:
    return RetryAnswer(
        count=len(done),
        results=[
            RetriedView(messageId=ids.to_wire(one.message_id), retriedAs=ids.to_wire(one.retried_as))
            for one in done
        ],
    )
