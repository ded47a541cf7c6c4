"""``/notifications/{id}/{submission_id}/checks``: the approval of a draft."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.paging import PathId
from notify.api.publisher import Wakes
from notify.api.storable import storable
from notify.manage import submissions

_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "No such template or submission."}
}
_DECIDED: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorBody, "description": "The submission is decided already."}
}
router = APIRouter(
    tags=["notifications"], prefix="/notifications", responses=RESPONSES, dependencies=[DOCUMENTED]
)


class Check(BaseModel):
    id: str = Field(min_length=1, max_length=255, examples=["legal"])
    type: Literal["custom"]
    status: Literal["PENDING", "RESOLVED", "FAILED"]


class CheckView(Check):
    updated: int = Field(description="UTC, epoch milliseconds.")


class ChecksBody(BaseModel):
    checks: Annotated[list[Check], Field(max_length=submissions.MAX_CHECKS)]


class Checks(BaseModel):
    checks: list[CheckView]


def _view(found: Any) -> Checks:
    return Checks(checks=[CheckView(**one) for one in found])


@router.get("/{template_id}/{submission_id}/checks", responses=_NOT_FOUND)
def get(template_id: PathId, submission_id: PathId, caller: Authenticated) -> Checks:
    """The checks of a submission."""
    return _view(submissions.checks(caller.world, template_id, submission_id))


@router.put("/{template_id}/{submission_id}/checks", responses={**_NOT_FOUND, **_DECIDED})
def put(
    template_id: PathId, submission_id: PathId, body: ChecksBody, caller: Authenticated, wakes: Wakes
) -> Checks:
    """Replace the checks; once all are resolved the draft is published."""
    new = storable([one.model_dump() for one in body.checks])
    return _view(submissions.put_checks(caller.world, template_id, submission_id, new, wake=wakes.offer))


@router.delete("/{template_id}/{submission_id}/checks", status_code=204, responses={**_NOT_FOUND, **_DECIDED})
def cancel(template_id: PathId, submission_id: PathId, caller: Authenticated, wakes: Wakes) -> Response:
    """Cancel a submission: the draft may be edited again."""
    submissions.cancel(caller.world, template_id, submission_id, wake=wakes.offer)
    return Response(status_code=204)
