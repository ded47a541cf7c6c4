"""Users' preferences as the API takes and shows them."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from notify.api.paging import Paging
from notify.api.preference_views import Channels, TopicId
from notify.manage.preference_lookup import Preference
from notify.model.preference import CLASSES, Consent
from notify.model.wire_preferences import PreferenceStatus
from notify.preferences.change import KEEP, Wish

MAX_BULK = 50


class WishBody(BaseModel):
    """``custom_routing`` counts only with ``has_custom_routing: true``."""

    status: PreferenceStatus = Field(description="`OPTED_IN` or `OPTED_OUT`; `REQUIRED` is refused.")
    has_custom_routing: bool | None = None
    custom_routing: Channels | None = None
    digest_schedule_id: TopicId | None = Field(default=None, description="Null clears it.")

    def wish(self, topic_id: str) -> Wish:
        given = "digest_schedule_id" in self.model_fields_set
        return Wish(
            topic_id=topic_id,
            status=Consent(self.status),
            custom=self.has_custom_routing,
            routing=tuple(self.custom_routing or ()),
            digest_schedule_id=self.digest_schedule_id if given else KEEP,
        )


class OneBody(BaseModel):
    topic: WishBody


class BulkWish(WishBody):
    topic_id: TopicId


class ReplaceBody(BaseModel):
    topics: Annotated[list[BulkWish], Field(max_length=MAX_BULK)]

    @model_validator(mode="after")
    def _each_once(self) -> "ReplaceBody":
        named = [one.topic_id for one in self.topics]
        if len(set(named)) < len(named):
            raise ValueError("a topic is named twice")
        return self

    def wishes(self) -> list[Wish]:
        return [one.wish(one.topic_id) for one in self.topics]


class UpdateBody(ReplaceBody):
    @field_validator("topics")
    @classmethod
    def _some(cls, topics: list[BulkWish]) -> list[BulkWish]:
        if not topics:
            raise ValueError("Give at least one topic")
        return topics


class PreferenceView(BaseModel):
    topic_id: str
    topic_name: str
    status: Consent
    default_status: Consent
    section_id: str
    section_name: str
    has_custom_routing: bool
    custom_routing: list[str] | None = Field(default=None, description="With `has_custom_routing: true`.")
    digest_schedule_id: str | None = None


class PreferencePage(BaseModel):
    items: list[PreferenceView]
    paging: Paging


class OnePreference(BaseModel):
    topic: PreferenceView


class Message(BaseModel):
    message: Literal["success"] = "success"


class Applied(BaseModel):
    topic_id: str
    status: Consent
    has_custom_routing: bool
    custom_routing: list[str]


class Replaced(BaseModel):
    items: list[Applied]
    deleted: list[str] = Field(description="The topics whose defaults hold again.")


class NotApplied(BaseModel):
    topic_id: str
    reason: str


class Updated(BaseModel):
    items: list[Applied]
    errors: list[NotApplied]


def preference(found: Preference) -> PreferenceView:
    topic, own = found.topic, found.own
    return PreferenceView(
        topic_id=topic.id,
        topic_name=topic.name,
        status=found.wanted.status,
        default_status=found.wanted.default,
        section_id=topic.section.id,
        section_name=topic.section.name,
        has_custom_routing=bool(own.custom),
        custom_routing=[one for one in CLASSES if one in own.routing] if own.custom else None,
        digest_schedule_id=found.digest_schedule_id,
    )


def applied(wishes: Sequence[Wish]) -> list[Applied]:
    return [
        Applied(
            topic_id=one.topic_id,
            status=one.status,
            has_custom_routing=bool(one.custom),
            custom_routing=list(one.channels),
        )
        for one in wishes
    ]
