"""``/audit-events``: who changed what."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.paging import PAGE_SIZE, Cursor, Paging, PathId, decode_as, page_by_id
from notify.errors import NotFound
from notify.manage import audit
from notify.store.audit import AuditEvent

_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "No such audit event."}
}
router = APIRouter(tags=["audit"], prefix="/audit-events", responses=RESPONSES, dependencies=[DOCUMENTED])


class Actor(BaseModel):
    id: str = Field(description="The API key's id, or the user's name on the command line.")
    name: str = Field(description="Ours, not the reference's.")


class AuditEventView(BaseModel):
    auditEventId: str
    actor: Actor
    source: str = Field(examples=["api"])
    target: str = Field(examples=["provider/0192f0c1-7c1e-7a55-b1d5-0c7c3c4f2a11"])
    timestamp: str = Field(description="UTC, ISO 8601.")
    type: str = Field(examples=["provider.created"])
    details: dict[str, Any] = Field(description="What it was `before` and `after`; ours, without secrets.")


class AuditEventPage(BaseModel):
    paging: Paging
    results: list[AuditEventView]


@router.get("", response_model_exclude_none=True)
def find(caller: Authenticated, cursor: Cursor = None) -> AuditEventPage:
    """Changes of this world and of the instance, newest first."""
    rows = audit.find(caller.world, before=decode_as(UUID, cursor, "audit"), limit=PAGE_SIZE + 1)
    paging, shown = page_by_id(rows, "audit")
    return AuditEventPage(paging=paging, results=[_view(row) for row in shown])


@router.get("/{audit_event_id}", responses=_NOT_FOUND)
def get(audit_event_id: PathId, caller: Authenticated) -> AuditEventView:
    """One change."""
    try:
        id_ = UUID(audit_event_id)
    except ValueError:
        raise NotFound("This audit event does not exist.") from None
    return _view(audit.get(caller.world, id_))


def _view(event: AuditEvent) -> AuditEventView:
    return AuditEventView(
        auditEventId=str(event.id),
        actor=Actor(id=event.actor_id, name=event.actor),
        source=event.source,
        target=f"{event.target_kind}/{event.target_id}",
        timestamp=event.at.isoformat(),
        type=event.action,
        details=event.details,
    )
