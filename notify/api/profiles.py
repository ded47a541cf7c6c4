"""``/profiles/{user_id}``: merge, replace, JSON Patch, read, delete."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, field_validator
from starlette.responses import Response

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.idempotency import IdempotentRoute
from notify.api.paging import PathId
from notify.api.storable import storable
from notify.manage import profiles

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


class Profile(BaseModel):
    profile: dict[str, Any]


@router.get("/{user_id}", responses={404: {"model": ErrorBody, "description": "No such profile."}})
def get(user_id: PathId, caller: Authenticated) -> Profile:
    """The stored profile."""
    return Profile(profile=profiles.get(caller.world, user_id))


@router.post("/{user_id}")
def merge(user_id: PathId, body: ProfileBody, caller: Authenticated) -> Success:
    """Merge into the profile: objects deeply, arrays and scalars replace; creates it."""
    profiles.merge(caller.world, user_id, body.profile)
    return Success()


@router.put("/{user_id}")
def replace(user_id: PathId, body: ProfileBody, caller: Authenticated) -> Success:
    """Replace the whole profile; creates it."""
    profiles.replace(caller.world, user_id, body.profile)
    return Success()


@router.patch("/{user_id}")
def patch(user_id: PathId, body: PatchBody, caller: Authenticated) -> Success:
    """Apply a JSON Patch, all of it or nothing; creates the profile."""
    profiles.patch(caller.world, user_id, body.patch)
    return Success()


@router.delete("/{user_id}", status_code=204)
def delete(user_id: PathId, caller: Authenticated) -> Response:
    """Delete the profile; one that does not exist is fine."""
    profiles.delete(caller.world, user_id)
    return Response(status_code=204)
