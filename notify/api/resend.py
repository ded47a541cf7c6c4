"""``POST /messages/{id}/resend``: an earlier message, once more, through the same door as every send."""

from typing import Any

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.idempotency import IdempotencyKey, key_of
from notify.api.paging import PathId
from notify.manage import messages
from notify.model import wire
from notify.pipeline.accept import Receipt, Submission

router = APIRouter(tags=["messages"], responses=RESPONSES, dependencies=[DOCUMENTED])


class ResendAnswer(BaseModel):
    messageId: str = Field(examples=["1-5e2b2615-05efbb3acab9172f88dd3f6f"])


_RESPONSES: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "No such message."},
    409: {"model": ErrorBody, "description": "A request with this Idempotency-Key is under way."},
}


@router.post(
    "/messages/{message_id}/resend", status_code=202, response_model=ResendAnswer, responses=_RESPONSES
)
async def resend(
    request: Request, message_id: PathId, caller: Authenticated, key: IdempotencyKey
) -> JSONResponse:
    """Send a message again: same recipient, same request, a new message. The old one stays as it is."""
    body = await run_in_threadpool(messages.as_sent, caller.world, message_id)
    submission = Submission(
        world=caller.world,
        message=wire.SendMessage.model_validate(body),
        body=orjson.dumps(body),
        key=key_of(caller, request, key),
        mode=caller.mode,
        id_name="messageId",
    )
    receipt: Receipt = await request.app.state.sends.submit(submission)
    return JSONResponse(receipt.body, status_code=receipt.status)
