"""API keys as the API shows them; the key itself only where it is made."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field

from notify import clock
from notify.api.paging import Paging
from notify.api.storable import storable
from notify.clock import to_ms
from notify.manage.keys import DEFAULT_OVERLAP
from notify.model.names import Mode, World
from notify.model.scopes import KeyScope
from notify.store.keys import StoredKey

_MS = "UTC, epoch milliseconds."
_DAY_S = 86_400
MAX_OVERLAP_DAYS = 365
Instant = Annotated[int, Field(ge=0, le=2**47, description=_MS, examples=[4_102_444_800_000])]


class NewKeyBody(BaseModel):
    """A key of the caller's own world, that may no more than the caller."""

    name: Annotated[str, AfterValidator(storable)] = Field(
        min_length=1, max_length=200, description="What the key is for.", examples=["shop"]
    )
    kind: Mode = Field(
        default=Mode.PUBLISHED,
        description="Sends published templates, their drafts, or all but the provider's call.",
    )
    scopes: list[KeyScope] = Field(min_length=1, max_length=50, examples=[["send", "read"]])
    expires: Instant | None = Field(default=None, description=f"Refused from then on. {_MS}")


class RotateBody(BaseModel):
    overlap_s: int = Field(
        default=int(DEFAULT_OVERLAP.total_seconds()),
        ge=0,
        le=MAX_OVERLAP_DAYS * _DAY_S,
        description="How long the old key works beside the new one.",
    )


class ExpiryBody(BaseModel):
    expires: Instant = Field(description=f"Sooner than the key expires now. {_MS}")


class ApiKey(BaseModel):
    id: str
    world: World = Field(description="Where everything it reads and writes lives.")
    name: str
    kind: Mode
    hint: str = Field(description="How the key begins.", examples=["pk_test_Vd3kQ8"])
    scopes: list[KeyScope]
    status: Literal["active", "expired", "revoked"]
    created: int = Field(description=_MS)
    lastUsed: int | None = Field(default=None, description=f"To the minute. {_MS}")
    expires: int | None = None
    revoked: int | None = None


class ApiKeyWithSecret(ApiKey):
    key: str = Field(description="Shown here and never again.")


class RotatedKey(ApiKeyWithSecret):
    oldExpires: int = Field(description=f"Until when the key it replaces works. {_MS}")


class ApiKeyPage(BaseModel):
    paging: Paging
    results: list[ApiKey]


def shown(stored: StoredKey) -> ApiKey:
    return ApiKey(
        id=str(stored.id),
        world=stored.world,
        name=stored.name,
        kind=stored.kind,
        hint=stored.hint,
        scopes=[scope for scope in KeyScope if scope in stored.scopes],
        status=_status(stored, clock.now()),
        created=to_ms(stored.created_at) or 0,
        lastUsed=to_ms(stored.last_used_at),
        expires=to_ms(stored.expires_at),
        revoked=to_ms(stored.revoked_at),
    )


def _status(stored: StoredKey, now: datetime) -> Literal["active", "expired", "revoked"]:
    if stored.revoked_at:
        return "revoked"
    return "expired" if stored.expires_at and stored.expires_at <= now else "active"
