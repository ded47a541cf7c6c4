"""``/preferences``: sections and their topics, the page that shows them, the log of users' changes."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import Response

from notify.api import preference_views as views
from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.idempotency import IdempotentRoute
from notify.api.paging import Cursor, Limit, PathId, Word, decode_as, page_by_id
from notify.errors import InvalidRequest
from notify.manage import preference_page, topics, user_preferences
from notify.manage.preference_changes import entry
from notify.preferences.sent import instant

_LOG_PAGE = 25
_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "No such section, or no such topic in it."}
}
_NO_BRAND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "No such brand."}}
_IN_USE: dict[int | str, dict[str, Any]] = {409: {"model": ErrorBody, "description": "It holds topics."}}
router = APIRouter(
    tags=["preferences"],
    prefix="/preferences",
    responses=RESPONSES,
    dependencies=[DOCUMENTED],
    route_class=IdempotentRoute,
)


@router.get("/sections", response_model_exclude_none=True)
def sections(caller: Authenticated) -> views.Sections:
    """All sections with their topics."""
    return views.Sections(results=[views.section(*one) for one in topics.sections(caller.world)])


@router.post("/sections", status_code=201, response_model_exclude_none=True)
def create_section(body: views.SectionBody, caller: Authenticated) -> views.SectionView:
    """Make a section, without topics yet."""
    return views.section(*topics.create_section(caller.world, body.fields()))


@router.get("/sections/{section_id}", responses=_NOT_FOUND, response_model_exclude_none=True)
def section(section_id: PathId, caller: Authenticated) -> views.SectionView:
    """A section with its topics."""
    return views.section(*topics.section(caller.world, section_id))


@router.put("/sections/{section_id}", responses=_NOT_FOUND, response_model_exclude_none=True)
def replace_section(section_id: PathId, body: views.SectionBody, caller: Authenticated) -> views.SectionView:
    """Replace what the section says: what is left out is cleared; its topics stay."""
    return views.section(*topics.replace_section(caller.world, section_id, body.fields()))


@router.delete("/sections/{section_id}", status_code=204, responses={**_NOT_FOUND, **_IN_USE})
def archive_section(section_id: PathId, caller: Authenticated) -> Response:
    """Archive a section that holds no topics."""
    topics.archive_section(caller.world, section_id)
    return Response(status_code=204)


# --- topics

_TOPICS = "/sections/{section_id}/topics"
_TOPIC = f"{_TOPICS}/{{topic_id}}"


@router.get(_TOPICS, responses=_NOT_FOUND, response_model_exclude_none=True)
def topics_of(section_id: PathId, caller: Authenticated) -> views.Topics:
    """The topics of a section."""
    _, found = topics.section(caller.world, section_id)
    return views.Topics(results=[views.topic(one) for one in found])


@router.post(_TOPICS, status_code=201, responses=_NOT_FOUND, response_model_exclude_none=True)
def create_topic(section_id: PathId, body: views.TopicBody, caller: Authenticated) -> views.TopicView:
    """Make a topic."""
    return views.topic(topics.create_topic(caller.world, section_id, body.fields()))


@router.get(_TOPIC, responses=_NOT_FOUND, response_model_exclude_none=True)
def topic(section_id: PathId, topic_id: PathId, caller: Authenticated) -> views.TopicView:
    """A topic."""
    return views.topic(topics.topic(caller.world, section_id, topic_id))


@router.put(_TOPIC, responses=_NOT_FOUND, response_model_exclude_none=True)
def replace_topic(
    section_id: PathId, topic_id: PathId, body: views.TopicBody, caller: Authenticated
) -> views.TopicView:
    """Replace what the topic says: what is left out is cleared, but for its digest."""
    return views.topic(topics.replace_topic(caller.world, section_id, topic_id, body.fields()))


@router.delete(_TOPIC, status_code=204, responses=_NOT_FOUND)
def archive_topic(section_id: PathId, topic_id: PathId, caller: Authenticated) -> Response:
    """Archive a topic: what is linked to it is sent as if it were not."""
    topics.archive_topic(caller.world, section_id, topic_id)
    return Response(status_code=204)


@router.delete(f"{_TOPIC}/digest", status_code=204, responses=_NOT_FOUND)
def drop_digest(section_id: PathId, topic_id: PathId, caller: Authenticated) -> Response:
    """Turn the topic's digest off, and forget its schedules."""
    topics.drop_digest(caller.world, section_id, topic_id)
    return Response(status_code=204)


# --- the page and the log


@router.post("/publish", responses=_NO_BRAND, response_model_exclude_none=True)
def publish(caller: Authenticated, body: views.PublishBody | None = None) -> views.PublishedView:
    """Have the page show sections and topics as they are now."""
    given = body or views.PublishBody()
    published, preview_url = preference_page.publish(
        caller.world, brand_id=given.brand_id, heading=given.heading, description=given.description
    )
    return views.PublishedView(
        page_id=published.id,
        published_at=published.published_at.isoformat(),
        published_version=published.version,
        preview_url=preview_url or None,
        published_by=published.published_by,
    )


@router.get("/logs", response_model_exclude_none=True)
def logs(
    caller: Authenticated,
    cursor: Cursor = None,
    limit: Limit = _LOG_PAGE,
    since: Annotated[str | None, Query(description="ISO 8601; a date is midnight UTC. Inclusive.")] = None,
    user_id: Word = None,
    tenant_id: Annotated[Word, Query(description="Only with `user_id`.")] = None,
) -> views.LogPage:
    """What users changed of their preferences, newest first."""
    if tenant_id is not None and user_id is None:
        raise InvalidRequest("tenant_id: only together with user_id")
    query = ("preference log", since, user_id, tenant_id)
    rows = user_preferences.log(
        caller.world,
        user_id=user_id,
        tenant_id=tenant_id,
        since=_instant(since),
        before=decode_as(UUID, cursor, query),
        limit=limit + 1,
    )
    paging, shown = page_by_id(rows, query, limit)
    items = [views.LogEntry.model_validate(entry(one)) for one in shown]
    return views.LogPage(paging=paging, items=items)


def _instant(text: str | None) -> datetime | None:
    at = instant(text)
    if text and at is None:
        raise InvalidRequest("since: give an ISO 8601 date or time")
    return at
