"""``/notifications``: templates. Drafts are edited, published versions are sent."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.responses import Response

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.idempotency import IdempotentRoute
from notify.api.paging import PAGE_SIZE, Cursor, Many, Paging, PathId, Word, decode, page_by_id, split
from notify.api.publisher import Wakes
from notify.api.storable import storable
from notify.clock import to_ms
from notify.manage import templates
from notify.model.names import Guarantee
from notify.store.templates import Template

NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "No such template."}}
_CREATOR = "api"
LOCKED: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorBody, "description": "The draft waits for approval."}
}
router = APIRouter(
    tags=["notifications"],
    prefix="/notifications",
    responses=RESPONSES,
    dependencies=[DOCUMENTED],
    route_class=IdempotentRoute,
)

State = Annotated[
    Literal["DRAFT", "PUBLISHED"],
    BeforeValidator(lambda value: value.upper() if isinstance(value, str) else value),
]


class BrandRef(BaseModel):
    id: str


class RoutingRef(BaseModel):
    strategy_id: str


class SubscriptionRef(BaseModel):
    topic_id: str


class EmailHeaders(BaseModel):
    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    from_: str | None = Field(default=None, alias="from")
    reply_to: str | None = None
    cc: list[str] | None = None
    bcc: list[str] | None = None


class Notification(BaseModel):
    """``brand``, ``subscription`` and ``routing`` must be there too, but may be null."""

    name: str = Field(max_length=500)
    tags: list[str]
    brand: BrandRef | None
    subscription: SubscriptionRef | None
    routing: RoutingRef | None
    content: dict[str, Any]
    email: EmailHeaders | None = None
    guarantee: Guarantee | None = None
    alias: str | None = Field(default=None, min_length=1, max_length=255)


class NotificationBody(BaseModel):
    notification: Notification
    state: State = "DRAFT"

    def payload(self) -> dict[str, Any]:
        return storable(self.notification.model_dump(exclude_unset=True, by_alias=True))


class PublishBody(BaseModel):
    version: str | None = None


class NotificationAnswer(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: str
    created: int
    creator: str
    state: State
    name: str
    tags: list[str]
    content: dict[str, Any]
    updated: int | None = None
    updater: str | None = None
    alias: str | None = None


class NotificationPage(BaseModel):
    paging: Paging
    results: list[dict[str, Any]]


def _view(template: Template, payload: dict[str, Any], state: State) -> dict[str, Any]:
    answer = {
        **payload,
        "id": template.id,
        "created": to_ms(template.created_at),
        "creator": _CREATOR,
        "state": state,
        "content": {"version": "2022-01-01", **payload["content"]},
    }
    if template.updated_at:
        answer |= {"updated": to_ms(template.updated_at), "updater": _CREATOR}
    return {**answer, "alias": template.alias} if template.alias else answer


def summary(template: Template) -> dict[str, Any]:
    """A template in a list."""
    shown = template.published or template.draft
    topic = ((template.published or {}).get("subscription") or {}).get("topic_id")
    answer = {
        "id": template.id,
        "created": to_ms(template.created_at),
        "creator": _CREATOR,
        "name": shown["name"],
        "state": "PUBLISHED" if template.published else "DRAFT",
        "tags": shown["tags"],
    }
    if topic:
        answer |= {"subscription_topic_id": topic, "topic_id": topic}
    if template.updated_at:
        answer |= {"updated": to_ms(template.updated_at), "updater": _CREATOR}
    return answer


@router.get("", response_model_exclude_none=True)
def find(
    caller: Authenticated,
    cursor: Cursor = None,
    tags: Annotated[Many, Query(description="Only those that have them all.")] = None,
    event_id: Annotated[Word, Query(description="Only the one with this alias.")] = None,
) -> NotificationPage:
    """Templates, newest first."""
    wanted = tuple(sorted({tag.lower() for tag in split(tags)}))
    query = ("notifications", wanted, event_id)
    rows = templates.find(
        caller.world, before=decode(cursor, query), limit=PAGE_SIZE + 1, tags=wanted, alias=event_id
    )
    paging, shown = page_by_id(rows, query)
    return NotificationPage(paging=paging, results=[summary(row) for row in shown])


@router.post(
    "",
    status_code=201,
    response_model=NotificationAnswer,
    response_model_exclude_unset=True,
    responses={409: {"model": ErrorBody, "description": "The alias is taken."}},
)
def create(body: NotificationBody, caller: Authenticated, wakes: Wakes) -> dict[str, Any]:
    """Create a template, as a draft or published at once."""
    publish_now = body.state == "PUBLISHED"
    created, published = templates.create(
        caller.world, body.payload(), publish_now=publish_now, wake=wakes.offer
    )
    return _view(created, created.draft, "PUBLISHED" if published else "DRAFT")


@router.get(
    "/{template_id}",
    response_model=NotificationAnswer,
    response_model_exclude_unset=True,
    responses=NOT_FOUND,
)
def get(
    template_id: PathId,
    caller: Authenticated,
    version: Annotated[str, Query(description="`published`, `draft` or `v003`.")] = "published",
) -> dict[str, Any]:
    """One version of a template."""
    found, payload = templates.get(caller.world, template_id, version)
    return _view(found, payload, "DRAFT" if version == "draft" else "PUBLISHED")


@router.put(
    "/{template_id}",
    response_model=NotificationAnswer,
    response_model_exclude_unset=True,
    responses={**NOT_FOUND, 409: {"model": ErrorBody, "description": "Its alias is taken, or it is locked."}},
)
def replace(
    template_id: PathId, body: NotificationBody, caller: Authenticated, wakes: Wakes
) -> dict[str, Any]:
    """Replace the draft, and with ``state: PUBLISHED`` what is sent."""
    publish_now = body.state == "PUBLISHED"
    replaced, published = templates.replace(
        caller.world, template_id, body.payload(), publish_now=publish_now, wake=wakes.offer
    )
    return _view(replaced, replaced.draft, "PUBLISHED" if published else "DRAFT")


@router.post("/{template_id}/publish", status_code=204, responses={**NOT_FOUND, **LOCKED})
def publish(
    template_id: PathId, caller: Authenticated, wakes: Wakes, body: PublishBody | None = None
) -> Response:
    """Publish the draft, or an old version again; where checks are configured, a draft is submitted."""
    templates.publish(caller.world, template_id, body.version if body else None, wake=wakes.offer)
    return Response(status_code=204)


@router.delete("/{template_id}", status_code=204, responses=NOT_FOUND)
def archive(template_id: PathId, caller: Authenticated) -> Response:
    """Archive: it can no longer be sent; the log of what was sent stays readable."""
    templates.archive(caller.world, template_id)
    return Response(status_code=204)
