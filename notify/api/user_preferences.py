"""``/users/{user_id}/preferences``: what a user wants of each topic, everywhere or in one tenant."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from notify.api import user_preference_views as views
from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.idempotency import IdempotentRoute
from notify.api.paging import KeyId, Paging, Word
from notify.api.publisher import Wakes
from notify.errors import InvalidRequest
from notify.manage import user_preferences
from notify.manage.preference_lookup import Whose
from notify.model.wire_base import MAX_ID_LENGTH

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "No such topic."}}
router = APIRouter(
    tags=["users"],
    prefix="/users/{user_id}/preferences",
    responses=RESPONSES,
    dependencies=[DOCUMENTED],
    route_class=IdempotentRoute,
)


async def _whose(
    user_id: KeyId,
    caller: Authenticated,
    tenant_id: Annotated[Word, Query(description="What holds in this tenant only.")] = None,
) -> Whose:
    if max(len(user_id), len(tenant_id or "")) > MAX_ID_LENGTH:
        raise InvalidRequest(f"user_id, tenant_id: at most {MAX_ID_LENGTH} characters")
    return Whose(world=caller.world, user_id=user_id, tenant_id=tenant_id or None)


Asked = Annotated[Whose, Depends(_whose)]


@router.get("", response_model_exclude_none=True)
def find(whose: Asked) -> views.PreferencePage:
    """Every topic with what holds for the user, and what would by default."""
    found = user_preferences.find(whose)
    return views.PreferencePage(items=[views.preference(one) for one in found], paging=Paging(more=False))


@router.post("", response_model_exclude_none=True)
def update(whose: Asked, body: views.UpdateBody, wakes: Wakes) -> views.Updated:
    """Set some topics, as far as each can be; the others stay."""
    wishes = body.wishes()
    problems = user_preferences.update(whose, wishes, wake=wakes.offer)
    return views.Updated(
        items=views.applied([one for one in wishes if one.topic_id not in problems]),
        errors=[views.NotApplied(topic_id=id_, reason=why) for id_, why in problems.items()],
    )


@router.put("", responses=_NOT_FOUND, response_model_exclude_none=True)
def replace(whose: Asked, body: views.ReplaceBody, wakes: Wakes) -> views.Replaced:
    """Have these be all that the user chose, or change nothing: the topics left out are reset."""
    wishes = body.wishes()
    deleted = user_preferences.replace(whose, wishes, wake=wakes.offer)
    return views.Replaced(items=views.applied(wishes), deleted=deleted)


@router.get("/{topic_id}", responses=_NOT_FOUND, response_model_exclude_none=True)
def get(whose: Asked, topic_id: KeyId) -> views.OnePreference:
    """What holds of one topic."""
    return views.OnePreference(topic=views.preference(user_preferences.get(whose, topic_id)))


@router.put("/{topic_id}", responses=_NOT_FOUND)
def put(whose: Asked, topic_id: KeyId, body: views.OneBody, wakes: Wakes) -> views.Message:
    """Set what the user wants of one topic."""
    user_preferences.put(whose, body.topic.wish(topic_id), wake=wakes.offer)
    return views.Message()


@router.delete("/{topic_id}", status_code=204, responses=_NOT_FOUND)
def reset(whose: Asked, topic_id: KeyId) -> Response:
    """Have the default hold again."""
    user_preferences.reset(whose, topic_id)
    return Response(status_code=204)
