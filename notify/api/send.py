"""``POST /send``: validate, hand over to accept, answer 202."""

from collections.abc import Callable, Sequence

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.idempotency import IdempotencyKey, key_of
from notify.api.publisher import Publisher
from notify.content.check import check
from notify.errors import InvalidRequest
from notify.model.wire import SendRequest
from notify.pipeline import accept
from notify.pipeline.accept import Receipt, Submission

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
        409: {"model": ErrorBody, "description": "A request with this Idempotency-Key is under way."},
        413: {"model": ErrorBody, "description": "The body is too large."},
    },
)
async def send(
    request: Request, body: SendRequest, caller: Authenticated, key: IdempotencyKey
) -> JSONResponse:
    """Accept a message. Everything that goes wrong later shows in the message's status and history."""
    if body.message.content is not None:
        check(body.message.content, template=False, at="message.content")
    submission = Submission(
        world=caller.world,
        message=body.message,
        body=_message_json(await request.body()),
        key=key_of(caller.world, request, key),
    )
    receipt: Receipt = await request.app.state.sends.submit(submission)
    return JSONResponse(receipt.body, status_code=receipt.status)


def _message_json(body: bytes) -> bytes:
    """The ``message`` object as it was sent, unknown fields included."""
    try:
        return orjson.dumps(orjson.loads(body)["message"])
    except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}") from None
