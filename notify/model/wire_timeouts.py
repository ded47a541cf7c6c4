"""Timeouts of a request, on messages, channels and providers; a bare number and a map become one form."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, TypeAdapter

from notify.model.wire_base import Ms, WireModel, read_by


def _per_key(value: Any) -> int | dict[str, int]:
    return _MS_BY_KEY.validate_python(value) if isinstance(value, Mapping) else _MS.validate_python(value)


_MS: TypeAdapter[int] = TypeAdapter(Ms)
_MS_BY_KEY: TypeAdapter[dict[str, int]] = TypeAdapter(dict[str, Ms])
MsPerKey = Annotated[int | dict[str, int], read_by(_per_key, described_as=dict[str, Ms] | Ms)]


def _number_as(key: str) -> Callable[[Any], Any]:
    """A bare number stands for an object with that one key."""
    return lambda value: {key: value} if isinstance(value, int | float) else value


class MessageTimeouts(WireModel):
    """How long delivery may take. A value of ``channels`` or ``providers`` beats the maps given here."""

    message: Ms | None = Field(
        default=None, description="Milliseconds for the whole message; default 72 hours."
    )
    channel: MsPerKey | None = Field(
        default=None,
        description="Milliseconds per channel key, or one number for all, before the next channel.",
    )
    provider: MsPerKey | None = Field(
        default=None,
        description="Milliseconds per provider key, or one number for all, before the next provider.",
    )
    escalation: Ms | None = Field(
        default=None, description="Milliseconds after SENT in which `criteria` must be met."
    )
    criteria: Literal["no-escalation", "delivered", "viewed", "engaged"] | None = None


BareOrMessageTimeouts = Annotated[
    MessageTimeouts, BeforeValidator(_number_as("message"), json_schema_input_type=MessageTimeouts | Ms)
]


class ChannelTimeouts(WireModel):
    channel: Ms | None = Field(default=None, description="Milliseconds before the next channel is tried.")
    provider: Ms | None = Field(
        default=None, description="Milliseconds before the channel's next provider is tried."
    )


BareOrChannelTimeouts = Annotated[
    ChannelTimeouts, BeforeValidator(_number_as("channel"), json_schema_input_type=ChannelTimeouts | Ms)
]


def _provider_number(value: Any) -> Any:
    return value.get("provider") if isinstance(value, Mapping) else value


ProviderTimeout = Annotated[Ms | None, BeforeValidator(_provider_number, json_schema_input_type=Ms | None)]
