"""Preferences as requests give and answers show them: per template and per topic."""

from typing import Annotated, Literal

from pydantic import Field

from notify.model.wire_base import Id, WireModel

ChannelClass = Literal["direct_message", "email", "push", "sms", "webhook", "inbox"]
PreferenceStatus = Literal["OPTED_IN", "OPTED_OUT", "REQUIRED"]


class ChannelPreference(WireModel):
    channel: ChannelClass


class PreferenceRule(WireModel):
    """When it holds; ISO 8601."""

    until: Annotated[str, Field(max_length=64)]
    start: Annotated[str, Field(max_length=64)] | None = None


class PreferenceDetails(WireModel):
    status: PreferenceStatus
    channel_preferences: Annotated[list[ChannelPreference], Field(max_length=20)] | None = None
    rules: Annotated[list[PreferenceRule], Field(max_length=20)] | None = None


_By = Annotated[dict[Id, PreferenceDetails], Field(max_length=500)]


class RecipientPreferences(WireModel):
    """``categories``: by topic; ``notifications``: by template."""

    categories: _By | None = None
    notifications: _By | None = None
