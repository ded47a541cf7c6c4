"""``GET /messages/{id}/explain``: why a message went where it went."""

from typing import Any

from fastapi import APIRouter

from notify.api import explain_views as views
from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.paging import PathId
from notify.manage import explain as manage

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "No such message."}}
router = APIRouter(tags=["messages"], prefix="/messages", responses=RESPONSES, dependencies=[DOCUMENTED])


@router.get("/{message_id}/explain", response_model_exclude_none=True, responses=_NOT_FOUND)
def explain(message_id: PathId, caller: Authenticated) -> views.ExplainAnswer:
    """Each channel and provider that was considered, and why it was taken, skipped or failed."""
    return views.explanation(manage.explain(caller.world, message_id))
