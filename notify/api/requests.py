"""``/requests``: how far a send has come, and archiving what it has made."""

from typing import Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.paging import PathId
from notify.manage import requests

router = APIRouter(tags=["requests"], prefix="/requests", responses=RESPONSES, dependencies=[DOCUMENTED])


class RequestView(BaseModel):
    """``expandedAt``: when the last of its messages was made; ISO 8601, UTC."""

    requestId: str
    state: Literal["EXPANDING", "EXPANDED", "FAILED"] = Field(
        description="EXPANDED: every recipient has a message; FAILED: some never will."
    )
    createdAt: str
    expandedAt: str | None = None
    messages: int = Field(description="How many there are so far.")
    statuses: dict[str, int] = Field(examples=[{"ENQUEUED": 4000, "SENT": 96000}])
    error: str | None = None


@router.get(
    "/{request_id}",
    response_model_exclude_none=True,
    responses={404: {"model": ErrorBody, "description": "No such request."}},
)
def get(request_id: PathId, caller: Authenticated) -> RequestView:
    """How far a send has come: the messages it has made so far, by status. Ours, not the reference's."""
    found = requests.progress(caller.world, request_id)
    made = "EXPANDED" if found.expanded_at else "EXPANDING"
    return RequestView(
        requestId=request_id,
        state="FAILED" if found.error else made,
        createdAt=found.created_at.isoformat(),
        expandedAt=found.expanded_at.isoformat() if found.expanded_at else None,
        messages=sum(found.statuses.values()),
        statuses={str(status): count for status, count in found.statuses.items()},
        error=found.error,
    )


@router.put(
    "/{request_id}/archive",
    status_code=202,
    response_class=Response,
    responses={404: {"model": ErrorBody, "description": "No such request."}},
)
def archive(request_id: PathId, caller: Authenticated) -> Response:
    """Hide all messages of a request from lists; each can still be read by its id."""
    requests.archive(caller.world, request_id)
    return Response(status_code=202)
