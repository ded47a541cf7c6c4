"""``/profiles/{user_id}``: merge, replace, JSON Patch, read, delete."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, field_validator
from starlette.responses import Response

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.idempotency import IdempotentRoute
from notify.api.paging import PathId
from notify.api.publisher import Wakes
from notify.api.storable import storable
from notify.manage import profiles, user_preferences
from notify.manage.preference_lookup import Whose
from notify.model.wire_preferences import PreferenceDetails

router = APIRouter(
    tags=["profiles"],
    prefix="/profiles",
    responses=RESPONSES,
    dependencies=[DOCUMENTED],
    route_class=IdempotentRoute,
)


class ProfileBody(BaseModel):
    profile: dict[str, Any] = Field(examples=[{"email": "ada@example.com", "locale": "en"}])

    _storable = field_validator("profile")(storable)


class PatchBody(BaseModel):
    """Operations of RFC 6902; a ``value`` may be any JSON."""

    patch: list[dict[str, Any]] = Field(
        examples=[[{"op": "replace", "path": "/email", "value": "ada@example.org"}]]
    )

    _storable = field_validator("patch")(storable)


class Success(BaseModel):
    status: Literal["SUCCESS"] = "SUCCESS"


class ProfilePreferences(BaseModel):
    categories: dict[str, PreferenceDetails] = Field(description="By topic.")


class Profile(BaseModel):
    profile: dict[str, Any]
    preferences: ProfilePreferences | None = Field(default=None, description="What the user chose, if any.")


@router.get(
    "/{user_id}",
    response_model_exclude_unset=True,
    responses={404: {"model": ErrorBody, "description": "No such profile."}},
)
def get(user_id: PathId, caller: Authenticated) -> Profile:
    """The stored profile, and what the user chose of topics."""
    profile = profiles.get(caller.world, user_id)
    chosen = user_preferences.chosen(Whose(world=caller.world, user_id=user_id))
    told = {"preferences": {"categories": chosen}} if chosen else {}
    return Profile.model_validate({"profile": profile, **told})


@router.post("/{user_id}")
def merge(user_id: PathId, body: ProfileBody, caller: Authenticated, wakes: Wakes) -> Success:
    """Merge into the profile: objects deeply, arrays and scalars replace; creates it."""
    profiles.merge(caller.world, user_id, body.profile, wake=wakes.offer)
    return Success()


@router.put("/{user_id}")
def replace(user_id: PathId, body: ProfileBody, caller: Authenticated, wakes: Wakes) -> Success:
    """Replace the whole profile; creates it."""
    profiles.replace(caller.world, user_id, body.profile, wake=wakes.offer)
    return Success()


@router.patch("/{user_id}")
def patch(user_id: PathId, body: PatchBody, caller: Authenticated, wakes: Wakes) -> Success:
    """Apply a JSON Patch, all of it or nothing; creates the profile."""
    profiles.patch(caller.world, user_id, body.patch, wake=wakes.offer)
    return Success()


@router.delete("/{user_id}", status_code=204)
def delete(user_id: PathId, caller: Authenticated, wakes: Wakes) -> Response:
    """Delete the profile; one that does not exist is fine."""
    profiles.delete(caller.world, user_id, wake=wakes.offer)
    return Response(status_code=204)
