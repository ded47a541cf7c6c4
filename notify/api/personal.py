"""``/users/{user_id}/data``: forgetting a person. Ours alone."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, BaseModel, Field

from notify import settings
from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES
from notify.api.paging import KeyId
from notify.api.storable import storable
from notify.manage import personal

router = APIRouter(
    tags=["users"], prefix="/users/{user_id}/data", responses=RESPONSES, dependencies=[DOCUMENTED]
)
_SHARE = 0.5
"""Of the time a request has."""

Addresses = Annotated[
    Sequence[str],
    Query(max_length=20, description="E-mail addresses and numbers of theirs that are not in the profile."),
    AfterValidator(storable),
]


class Erased(BaseModel):
    done: bool = Field(description="False: call again, for messages are being sent or the time was up.")
    rows: dict[str, int] = Field(description="How many of each table.", examples=[{"message": 12}])
    auditTarget: str = Field(description="The person in the audit log, by a digest.")


@router.delete("")
def erase(user_id: KeyId, request: Request, caller: Authenticated, address: Addresses = ()) -> Erased:
    """Erase a user: profile, devices, memberships, preferences, and what they were sent; counts stay."""
    found = personal.erase(
        user_id,
        caller.world,
        addresses=address,
        wake=request.app.state.publisher.offer,
        within_s=settings.load().request_timeout_s * _SHARE,
    )
    return Erased(done=found.done, rows=dict(found.rows), auditTarget=f"user/{found.digest}")
