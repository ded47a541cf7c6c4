"""``/requests``: archive what a send has made."""

from fastapi import APIRouter, Response

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.paging import PathId
from notify.manage import requests

router = APIRouter(tags=["requests"], prefix="/requests", responses=RESPONSES, dependencies=[DOCUMENTED])


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
