"""``/audiences``: filters over the stored profiles, and who matches."""

from typing import Annotated, Any

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, Field

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.paging import PAGE_SIZE, Cursor, KeyId, Paging, decode, page
from notify.api.publisher import Wakes
from notify.api.storable import storable
from notify.manage import audiences
from notify.manage.audiences import Change
from notify.store.audiences import Audience

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "No such audience."}}
router = APIRouter(tags=["audiences"], prefix="/audiences", responses=RESPONSES, dependencies=[DOCUMENTED])

_Text = Annotated[str, Field(max_length=2048), AfterValidator(storable)]


class AudienceBody(BaseModel):
    """What is left out stays as it is."""

    name: _Text | None = None
    description: _Text | None = None
    filter: Annotated[dict[str, Any], AfterValidator(storable)] | None = Field(
        default=None,
        description="A group: `operator` AND or OR, and `filters`: rules or groups. Or a single rule.",
        examples=[
            {
                "operator": "AND",
                "filters": [
                    {"operator": "EQ", "path": "address.country", "value": "FR"},
                    {"operator": "GTE", "path": "custom.age", "value": "18"},
                ],
            }
        ],
    )
    operator: str | None = Field(default=None, description="The outer group's, AND or OR.", examples=["AND"])

    def change(self) -> Change:
        return Change(
            name=self.name, description=self.description, filter=self.filter, operator=self.operator
        )


class AudienceView(BaseModel):
    """Times: ISO 8601, UTC."""

    id: str
    name: str
    description: str
    created_at: str
    updated_at: str
    filter: dict[str, Any] | None = None
    operator: str | None = None


class AudienceAnswer(BaseModel):
    audience: AudienceView


class AudiencePage(BaseModel):
    paging: Paging
    items: list[AudienceView]


class MemberView(BaseModel):
    audience_id: str
    audience_version: int = Field(description="Grows with each change of the filter.")
    member_id: str
    added_at: str = Field(description="When profile or filter last changed; ISO 8601, UTC.")
    reason: str = Field(examples=["EQ('title', 'Engineer') => true"])


class MemberPage(BaseModel):
    paging: Paging
    items: list[MemberView]


@router.get("", response_model_exclude_none=True)
def find(caller: Authenticated, cursor: Cursor = None) -> AudiencePage:
    """Audiences by id, 100 a page."""
    rows = audiences.find(caller.world, after=decode(cursor, "audiences"), limit=PAGE_SIZE + 1)
    shown = rows[:PAGE_SIZE]
    paging = page(rows, shown[-1].id if shown else None, "audiences")
    return AudiencePage(paging=paging, items=[_view(row) for row in shown])


@router.get("/{audience_id}", response_model_exclude_none=True, responses=_NOT_FOUND)
def get(audience_id: KeyId, caller: Authenticated) -> AudienceView:
    """One audience."""
    return _view(audiences.get(caller.world, audience_id))


@router.put("/{audience_id}", response_model_exclude_none=True)
def put(audience_id: KeyId, body: AudienceBody, caller: Authenticated, wakes: Wakes) -> AudienceAnswer:
    """Create an audience, or change what is given of it."""
    made = audiences.put(caller.world, audience_id, body.change(), wake=wakes.offer)
    return AudienceAnswer(audience=_view(made))


@router.delete("/{audience_id}", status_code=204, responses=_NOT_FOUND)
def delete(audience_id: KeyId, caller: Authenticated, wakes: Wakes) -> Response:
    """Delete an audience for good."""
    audiences.delete(caller.world, audience_id, wake=wakes.offer)
    return Response(status_code=204)


@router.get("/{audience_id}/members", responses=_NOT_FOUND)
def members(audience_id: KeyId, caller: Authenticated, cursor: Cursor = None) -> MemberPage:
    """Who matches right now, by user id, 100 a page."""
    query = ("members", audience_id)
    after = decode(cursor, query)
    audience, rows = audiences.members(caller.world, audience_id, after=after, limit=PAGE_SIZE + 1)
    shown = rows[:PAGE_SIZE]
    paging = page(rows, shown[-1].user_id if shown else None, query)
    return MemberPage(
        paging=paging,
        items=[
            MemberView(
                audience_id=audience.id,
                audience_version=audience.version,
                member_id=one.user_id,
                added_at=one.since.isoformat(),
                reason=one.reason,
            )
            for one in shown
        ],
    )


def _view(row: Audience) -> AudienceView:
    return AudienceView(
        id=row.id,
        name=row.name,
        description=row.description,
        created_at=row.created_at.isoformat(),
        updated_at=row.updated_at.isoformat(),
        filter=row.filter,
        operator=row.filter["operator"] if row.filter else None,
    )
