"""``/refusals``: messages of Celery tasks that were refused; whoever sent them has no answer. Ours alone."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES
from notify.api.paging import PAGE_SIZE, Cursor, Paging, decode_as, page_by_id
from notify.manage import refusals
from notify.store.refusals import Refusal

router = APIRouter(tags=["refusals"], prefix="/refusals", responses=RESPONSES, dependencies=[DOCUMENTED])


class RefusalView(BaseModel):
    refusalId: str
    taskId: str = Field(description="Celery's id of the task.")
    place: int | None = Field(default=None, description="Which one of the task's `messages`, from 0 on.")
    timestamp: str = Field(description="UTC, ISO 8601.")
    type: str = Field(examples=["invalid_request_error"])
    message: str = Field(description="What `POST /send` would have answered.")


class RefusalPage(BaseModel):
    paging: Paging
    results: list[RefusalView]


@router.get("", response_model_exclude_none=True)
def find(caller: Authenticated, cursor: Cursor = None) -> RefusalPage:
    """What `notify.accept` refused in this world, or in none that it knew, newest first."""
    rows = refusals.find(caller.world, before=decode_as(UUID, cursor, "refusals"), limit=PAGE_SIZE + 1)
    paging, shown = page_by_id(rows, "refusals")
    return RefusalPage(paging=paging, results=[_view(row) for row in shown])


def _view(one: Refusal) -> RefusalView:
    return RefusalView(
        refusalId=str(one.id),
        taskId=one.task_id,
        place=one.place,
        timestamp=one.at.isoformat(),
        type=one.type,
        message=one.message,
    )
