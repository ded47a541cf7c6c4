"""``/limits``: send limits of the caller's world, and the topics exempt from them. Ours alone."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import AfterValidator, BaseModel, Field
from starlette.responses import Response

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.paging import PathId
from notify.api.storable import storable
from notify.errors import NotFound
from notify.manage import send_limits
from notify.model.send_limit import Period, Scope, SendLimit
from notify.model.wire_base import MAX_ID_LENGTH

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "No such limit."}}
_TOPIC = "With `user_topic`: of this topic alone; it beats the limit for every topic."
router = APIRouter(tags=["limits"], prefix="/limits", responses=RESPONSES, dependencies=[DOCUMENTED])

TopicId = Annotated[str, Field(min_length=1, max_length=MAX_ID_LENGTH), AfterValidator(storable)]
PathTopic = Annotated[PathId, Field(max_length=MAX_ID_LENGTH)]
OfTopic = Annotated[TopicId | None, Query(description=_TOPIC)]


class LimitBody(BaseModel):
    maximum: int = Field(ge=0, le=send_limits.MAX, description="Messages; more end as THROTTLED.")
    topic: TopicId | None = Field(default=None, description=_TOPIC)


class LimitView(BaseModel):
    scope: Scope = Field(description="Whose messages are counted together.")
    period: Period = Field(description="In UTC; weeks begin on Sunday.")
    maximum: int
    topic: str | None = Field(default=None, description=_TOPIC)


class Limits(BaseModel):
    limits: list[LimitView]
    exempt: list[str] = Field(description="Topics whose messages count and are never held back.")


@router.get("", response_model_exclude_none=True)
def find(caller: Authenticated) -> Limits:
    """The limits in force, and the topics that are exempt from them."""
    found = send_limits.find(caller.world)
    return Limits(limits=[_view(limit) for limit in found.limits], exempt=sorted(found.exempt))


# Before the limits themselves, since `exempt` stands where they have their scope.
@router.put("/exempt/{topic_id}", status_code=204)
def exempt(topic_id: PathTopic, caller: Authenticated) -> Response:
    """Never throttle the messages of a topic; they still count."""
    send_limits.exempt(caller.world, topic_id)
    return Response(status_code=204)


@router.delete("/exempt/{topic_id}", status_code=204, responses=_NOT_FOUND)
def no_longer_exempt(topic_id: PathTopic, caller: Authenticated) -> Response:
    """Let the limits hold for a topic again."""
    if not send_limits.exempt(caller.world, topic_id, exempted=False):
        raise NotFound("This topic is not exempt.")
    return Response(status_code=204)


@router.put("/{scope}/{period}", response_model_exclude_none=True)
def put(scope: Scope, period: Period, body: LimitBody, caller: Authenticated) -> LimitView:
    """Set a limit, or change it. It holds from the next messages on and counts from when it was first set."""
    limit = SendLimit(scope=scope, period=period, maximum=body.maximum, topic_id=body.topic)
    send_limits.put(caller.world, limit)
    return _view(limit)


@router.delete("/{scope}/{period}", status_code=204, responses=_NOT_FOUND)
def remove(scope: Scope, period: Period, caller: Authenticated, topic: OfTopic = None) -> Response:
    """Lift a limit."""
    if not send_limits.remove(caller.world, scope, period, topic):
        raise NotFound("There is no such limit.")
    return Response(status_code=204)


def _view(limit: SendLimit) -> LimitView:
    return LimitView(scope=limit.scope, period=limit.period, maximum=limit.maximum, topic=limit.topic_id)
