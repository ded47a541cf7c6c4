"""Sections, topics, the page and the log as the API takes and shows them. Times: ISO 8601, UTC."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field

from notify.api.digest_views import Digest
from notify.api.paging import Paging
from notify.api.storable import storable
from notify.model.preference import Consent, Section, Topic
from notify.model.wire_base import Id
from notify.model.wire_preferences import ChannelClass, PreferenceStatus

Name = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(storable)]
Described = Annotated[str, Field(max_length=2000), AfterValidator(storable)]
Channels = Annotated[
    list[ChannelClass], Field(max_length=20), AfterValidator(lambda all_: [*dict.fromkeys(all_)])
]
TopicId = Annotated[Id, AfterValidator(storable)]


class SectionBody(BaseModel):
    name: Name = Field(examples=["Orders"])
    description: Described | None = None
    has_custom_routing: bool | None = Field(default=None, description="Users may choose channels.")
    routing_options: Channels | None = Field(default=None, description="Those they may choose; none: all.")

    def fields(self) -> dict[str, Any]:
        """By column; what was left out is cleared."""
        return {
            "name": self.name,
            "description": self.description,
            "has_custom_routing": bool(self.has_custom_routing),
            "routing_options": self.routing_options or [],
        }


class TopicBody(BaseModel):
    name: Name = Field(examples=["Shipping news"])
    default_status: PreferenceStatus
    description: Described | None = None
    allowed_preferences: (
        Annotated[list[Literal["snooze", "channel_preferences"]], Field(max_length=10)] | None
    ) = None
    routing_options: Channels | None = Field(default=None, description="The channels unless users choose.")
    include_unsubscribe_header: bool | None = Field(
        default=None, description="On e-mail, `List-Unsubscribe`."
    )
    topic_data: Annotated[dict[str, Any], AfterValidator(storable)] | None = None
    digest: Digest | None = Field(default=None, description="Null turns it off.")

    def fields(self) -> dict[str, Any]:
        """By column; what was left out is cleared, but for the digest."""
        given = {
            "name": self.name,
            "description": self.description,
            "default_status": self.default_status,
            "allowed_preferences": self.allowed_preferences or [],
            "routing_options": self.routing_options or [],
            "include_unsubscribe_header": bool(self.include_unsubscribe_header),
            "topic_data": self.topic_data or {},
        }
        if "digest" in self.model_fields_set:
            given["digest"] = self.digest.model_dump(exclude_none=True) if self.digest else None
        return given


class TopicView(BaseModel):
    id: str = Field(examples=["pt_0192f0c17c1e7a55b1d50c7c3c4f2a11"])
    name: str
    default_status: Consent
    description: str | None = None
    allowed_preferences: list[str]
    routing_options: list[str]
    include_unsubscribe_header: bool
    topic_data: dict[str, Any]
    digest: dict[str, Any] | None = None
    created: str
    updated: str
    creator: str | None = None
    updater: str | None = None


class SectionView(BaseModel):
    id: str = Field(examples=["ps_0192f0c17c1e7a55b1d50c7c3c4f2a11"])
    name: str
    description: str | None = None
    has_custom_routing: bool
    routing_options: list[str]
    topics: list[TopicView]
    created: str
    updated: str | None = None
    creator: str | None = None
    updater: str | None = None


class Sections(BaseModel):
    results: list[SectionView]


class Topics(BaseModel):
    results: list[TopicView]


def topic(found: Topic) -> TopicView:
    return TopicView(
        id=found.id,
        name=found.name,
        default_status=found.default,
        description=found.description,
        allowed_preferences=list(found.allowed),
        routing_options=list(found.routing_options),
        include_unsubscribe_header=found.unsubscribe_header,
        topic_data=dict(found.data),
        digest=dict(found.digest) if found.digest else None,
        created=found.created_at.isoformat(),
        updated=(found.updated_at or found.created_at).isoformat(),
        creator=found.creator,
        updater=found.updater,
    )


def section(found: Section, topics: Iterable[Topic]) -> SectionView:
    return SectionView(
        id=found.id,
        name=found.name,
        description=found.description,
        has_custom_routing=found.custom_routing,
        routing_options=list(found.routing_options),
        topics=[topic(one) for one in topics],
        created=found.created_at.isoformat(),
        updated=found.updated_at.isoformat() if found.updated_at else None,
        creator=found.creator,
        updater=found.updater,
    )


# --- the page and the log


class PublishBody(BaseModel):
    brand_id: Annotated[Id, AfterValidator(storable)] | None = Field(
        default=None, description="`default`, `none`, or a brand's id."
    )
    heading: Name | None = None
    description: Described | None = None


class PublishedView(BaseModel):
    page_id: str
    published_at: str
    published_version: int = Field(description="Epoch milliseconds, rising.")
    preview_url: str | None = Field(default=None, description="The page as it would be published now.")
    published_by: str | None = None


class LogValue(BaseModel):
    status: Consent
    has_custom_routing: bool
    custom_routing: list[str]


class LogEntry(LogValue):
    id: str
    user_id: str
    tenant_id: str | None = None
    topic_id: str
    topic_name: str
    timestamp: str
    previous: LogValue | None = None


class LogPage(BaseModel):
    paging: Paging
    items: list[LogEntry]
