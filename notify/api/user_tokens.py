"""``/users/{user_id}/tokens``: the devices that push goes to."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import AfterValidator, BaseModel, Field

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.paging import KeyId, PathId
from notify.api.storable import storable
from notify.errors import InvalidRequest
from notify.manage import tokens
from notify.store.tokens import StoredToken

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "No such token."}}
router = APIRouter(
    tags=["users"], prefix="/users/{user_id}/tokens", responses=RESPONSES, dependencies=[DOCUMENTED]
)
MAX_TOKEN = 2048
MAX_TOKENS = 100
"""Of one call."""
_Short = Annotated[str, Field(max_length=512), AfterValidator(storable)]


class Device(BaseModel):
    ad_id: _Short | None = None
    app_id: _Short | None = None
    device_id: _Short | None = None
    manufacturer: _Short | None = None
    model: _Short | None = None
    platform: _Short | None = None


class Tracking(BaseModel):
    ip: _Short | None = None
    lat: _Short | None = None
    long: _Short | None = None
    os_version: _Short | None = None


class TokenBody(BaseModel):
    provider_key: Literal["firebase-fcm", "apn", "expo", "onesignal"]
    token: Annotated[str, Field(min_length=1), AfterValidator(storable)] | None = Field(
        default=None, description="Must equal the path's."
    )
    device: Device | None = None
    expiry_date: Annotated[str, Field(max_length=64)] | bool | None = Field(
        default=None,
        description="ISO 8601, or `false` for never; 60 days after the last registration if left out.",
        examples=["2030-01-01T00:00:00Z", False],
    )
    properties: Annotated[Any, AfterValidator(storable)] = None
    tracking: Tracking | None = None


class TokensBody(BaseModel):
    tokens: Annotated[list[TokenBody], Field(max_length=MAX_TOKENS)]


class PatchBody(BaseModel):
    """Operations of RFC 6902 on the token as it is shown."""

    patch: Annotated[list[dict[str, Any]], AfterValidator(storable)] = Field(
        examples=[[{"op": "replace", "path": "/expiry_date", "value": "2030-01-01T00:00:00Z"}]]
    )


class TokenView(BaseModel):
    token: str
    provider_key: str
    status: str = Field(description="`active`, `unknown`, `failed` or `revoked`; push goes to the first two.")
    status_reason: str | None = None
    device: dict[str, Any] | None = None
    expiry_date: str | bool = Field(description="ISO 8601, UTC; `false`: never.")
    properties: Any = None
    tracking: dict[str, Any] | None = None


class TokenList(BaseModel):
    tokens: list[TokenView]


@router.get("", response_model_exclude_none=True)
def find(user_id: KeyId, caller: Authenticated) -> TokenList:
    """The user's tokens, the newest first; those that are not used any more, too."""
    return TokenList(tokens=[_view(one) for one in tokens.find(caller.world, user_id)])


@router.put("", status_code=204)
def put_several(
    user_id: KeyId,
    body: TokensBody | Annotated[list[TokenBody], Field(max_length=MAX_TOKENS)],
    caller: Authenticated,
) -> Response:
    """Add tokens, or overwrite them; a list, or an object with one."""
    given = body.tokens if isinstance(body, TokensBody) else body
    tokens.put(caller.world, [stored(user_id, one.token, one) for one in given])
    return Response(status_code=204)


@router.get("/{token}", response_model_exclude_none=True, responses=_NOT_FOUND)
def get(user_id: KeyId, token: PathId, caller: Authenticated) -> TokenView:
    """One token."""
    return _view(tokens.get(caller.world, user_id, token))


@router.put("/{token}", status_code=204)
def put(user_id: KeyId, token: PathId, body: TokenBody, caller: Authenticated) -> Response:
    """Add a token or overwrite it; a device that was another user's is this user's now."""
    if body.token not in (None, token):
        raise InvalidRequest("token: differs from the one in the path")
    tokens.put(caller.world, [stored(user_id, token, body)])
    return Response(status_code=204)


@router.patch("/{token}", status_code=204, responses=_NOT_FOUND)
def patch(user_id: KeyId, token: PathId, body: PatchBody, caller: Authenticated) -> Response:
    """Apply a JSON Patch, all of it or nothing."""
    tokens.patch(caller.world, user_id, token, body.patch)
    return Response(status_code=204)


@router.delete("/{token}", status_code=204, responses=_NOT_FOUND)
def delete(user_id: KeyId, token: PathId, caller: Authenticated) -> Response:
    """Forget a token."""
    tokens.delete(caller.world, user_id, token)
    return Response(status_code=204)


def stored(user_id: str, token: str | None, body: TokenBody) -> StoredToken:
    """A token as it is kept.

    Raises:
        InvalidRequest: it is too long, or its expiry date is none.
    """
    if not token or len(token.encode()) > MAX_TOKEN:
        raise InvalidRequest(f"token: must have 1 to {MAX_TOKEN} bytes")
    if body.expiry_date is True:
        raise InvalidRequest("expiry_date: must be an ISO 8601 date, or false for never")
    return StoredToken(
        token=token,
        user_id=user_id,
        provider_key=body.provider_key,
        device=body.device.model_dump(exclude_none=True) if body.device else None,
        tracking=body.tracking.model_dump(exclude_none=True) if body.tracking else None,
        properties=body.properties,
        expires_at=tokens.expiry(body.expiry_date),
    )


def _view(stored: StoredToken) -> TokenView:
    return TokenView.model_validate(tokens.as_json(stored))
