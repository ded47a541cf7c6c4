"""Tenants and memberships as the API takes and shows them."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field

from notify.api.paging import Listed
from notify.api.storable import storable
from notify.model.wire_preferences import ChannelClass, PreferenceStatus
from notify.store.tenant_members import Membership
from notify.store.tenants import StoredTenant, TopicDefault

_Id = Annotated[str, Field(min_length=1, max_length=512), AfterValidator(storable)]
_Object = Annotated[dict[str, Any], AfterValidator(storable)]


class DefaultBody(BaseModel):
    """What the tenant's users have of a topic until they say otherwise."""

    status: PreferenceStatus
    has_custom_routing: bool | None = None
    custom_routing: Annotated[list[ChannelClass], Field(max_length=20)] | None = None


class DefaultItem(DefaultBody):
    id: _Id = Field(description="The topic's.")


class Defaults(BaseModel):
    items: Annotated[list[DefaultItem], Field(max_length=1000)] | None = None


class TenantBody(BaseModel):
    name: Annotated[str, Field(max_length=512), AfterValidator(storable)] = Field(examples=["Acme"])
    parent_tenant_id: _Id | None = None
    brand_id: _Id | None = None
    properties: _Object | None = Field(
        default=None, description="Templates see them as `tenant`; over those of its ancestors."
    )
    user_profile: _Object | None = Field(default=None, description="Below the profile of every recipient.")
    default_preferences: Defaults | None = None


class DefaultView(DefaultItem):
    type: Literal["subscription_topic"] = "subscription_topic"


class DefaultsView(BaseModel):
    items: list[DefaultView]


class TenantView(BaseModel):
    id: str
    name: str
    parent_tenant_id: str | None = None
    brand_id: str | None = None
    properties: dict[str, Any] | None = None
    user_profile: dict[str, Any] | None = None
    default_preferences: DefaultsView | None = None


class TenantPage(Listed):
    items: list[TenantView]


class MembershipView(BaseModel):
    user_id: str
    tenant_id: str
    type: Literal["user"] = "user"
    profile: dict[str, Any] | None = None


class MembershipPage(Listed):
    items: list[MembershipView]


class MembershipBody(BaseModel):
    profile: _Object | None = Field(default=None, description="Over the user's own, in this tenant only.")


class MembershipItem(MembershipBody):
    tenant_id: _Id


class MembershipsBody(BaseModel):
    tenants: Annotated[list[MembershipItem], Field(max_length=1000)] = Field(
        examples=[[{"tenant_id": "acme", "profile": {"title": "Buyer"}}]]
    )


def stored(tenant_id: str, body: TenantBody) -> StoredTenant:
    items = (body.default_preferences.items or []) if body.default_preferences else []
    return StoredTenant(
        id=tenant_id,
        name=body.name,
        parent_id=body.parent_tenant_id,
        brand_id=body.brand_id,
        properties=body.properties,
        user_profile=body.user_profile,
        defaults=[topic_default(one.id, one) for one in items],
    )


def topic_default(topic_id: str, body: DefaultBody) -> TopicDefault:
    return TopicDefault(
        topic_id=topic_id,
        status=body.status,
        has_custom_routing=body.has_custom_routing,
        custom_routing=body.custom_routing,
    )


def tenant(found: StoredTenant) -> TenantView:
    return TenantView(
        id=found.id,
        name=found.name,
        parent_tenant_id=found.parent_id,
        brand_id=found.brand_id,
        properties=found.properties,
        user_profile=found.user_profile,
        default_preferences=_defaults(found.defaults),
    )


def _defaults(found: Sequence[TopicDefault]) -> DefaultsView | None:
    if not found:
        return None
    return DefaultsView.model_validate(
        {
            "items": [
                {
                    "id": one.topic_id,
                    "status": one.status,
                    "has_custom_routing": one.has_custom_routing,
                    "custom_routing": one.custom_routing,
                }
                for one in found
            ]
        }
    )


def membership(found: Membership) -> MembershipView:
    return MembershipView(user_id=found.user_id, tenant_id=found.tenant_id, profile=found.profile)
