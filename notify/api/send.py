"""``POST /send``: validate, hand over to accept, answer 202."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from notify import clock
from notify.api import explain_views
from notify.api.admission import Admitting
from notify.api.auth import DOCUMENTED, Authenticated, Caller
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.explain_views import DryRunAnswer
from notify.api.idempotency import IdempotencyKey, key_of
from notify.content.check import check
from notify.errors import InvalidRequest
from notify.model.wire import SendMessage, SendRequest
from notify.pipeline import accept, preview
from notify.pipeline.accept import Receipt, Submission
from notify.publisher import Publisher
from notify.routing import delays

router = APIRouter(tags=["send"], responses=RESPONSES, dependencies=[DOCUMENTED])


class SendAnswer(BaseModel):
    requestId: str = Field(examples=["1-5e2b2615-05efbb3acab9172f88dd3f6f"])


def flusher(publisher: Publisher) -> Callable[[Sequence[Submission]], Sequence[Receipt | Exception]]:
    """What the coalescer calls with each batch of sends."""

    def flush(batch: Sequence[Submission]) -> Sequence[Receipt | Exception]:
        receipts, handoff = accept.run(batch)
        publisher.offer(handoff)
        return receipts

    return flush


@router.post(
    "/send",
    status_code=202,
    response_model=SendAnswer,
    responses={
        200: {"model": DryRunAnswer, "description": "`dry_run=true`: what would happen. Nothing is stored."},
        409: {"model": ErrorBody, "description": "A request with this Idempotency-Key is under way."},
        413: {"model": ErrorBody, "description": "The body is too large."},
    },
)
async def send(
    request: Request,
    body: SendRequest,
    caller: Authenticated,
    key: IdempotencyKey,
    admitting: Admitting,
    dry_run: Annotated[bool, Query(description="Say what would happen; send and store nothing.")] = False,
) -> JSONResponse:
    """Accept a message. Everything that goes wrong later shows in the message's status and history."""
    if body.message.content is not None:
        check(body.message.content, template=False, at="message.content")
    delays.check(body.message.delay, clock.now())
    if dry_run:
        return JSONResponse(await run_in_threadpool(_dry_run, body.message, await request.body(), caller))
    admitting.check_send(caller.world, body.message)
    submission = Submission(
        world=caller.world,
        message=body.message,
        body=_message_json(await request.body()),
        key=key_of(caller, request, key),
        mode=caller.mode,
    )
    receipt: Receipt = await request.app.state.sends.submit(submission)
    return JSONResponse(receipt.body, status_code=receipt.status)


def _dry_run(message: SendMessage, body: bytes, caller: Caller) -> Any:
    found = preview.run(caller.world, caller.mode, message, orjson.loads(_message_json(body)))
    return explain_views.dry_run(found, caller.mode).model_dump(mode="json", exclude_none=True)


def _message_json(body: bytes) -> bytes:
    """The ``message`` object as it was sent, unknown fields included."""
    try:
        return orjson.dumps(orjson.loads(body)["message"])
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}") from None
