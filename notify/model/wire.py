"""The body of ``POST /send``: JSON in, a checked ``SendRequest`` out; the workers read it again.

Lenient in form (unknown fields, old spellings, null for absent), strict in what later stages rely on: sizes,
times, text that can be stored. Every refusal names its place (``message.routing.method``).
"""

from typing import Annotated, Any

from pydantic import AliasChoices, ConfigDict, Field, model_validator

from notify.model.names import Guarantee
from notify.model.storable import find_fault, find_nul
from notify.model.wire_base import Id, WireModel, problem, read_by
from notify.model.wire_forms import TenantContext
from notify.model.wire_routing import (
    BoundedRouting,
    ChannelEntry,
    ChannelSettings,
    ProviderEntry,
    ProviderSettings,
    Routing,
    TemplateRouting,
    Utm,
)
from notify.model.wire_time import Delay, Expiry
from notify.model.wire_timeouts import BareOrMessageTimeouts, MessageTimeouts
from notify.model.wire_to import (
    BULK_KEY,
    CONTROL_KEYS,
    GROUPS,
    Recipient,
    RecipientKind,
    To,
    is_group,
    recipient,
)

__all__ = [
    "BULK_KEY", "CONTROL_KEYS", "GROUPS", "ChannelEntry", "ChannelSettings", "Delay", "Expiry",
    "MessageTimeouts", "Metadata",
    "ProviderEntry", "ProviderSettings", "Recipient", "RecipientKind", "Routing", "SendMessage",
    "SendRequest", "TemplateRouting", "brands", "find_fault", "find_nul", "is_broadcast", "is_fanout",
    "recipient", "recipients",
]  # fmt: skip

MAX_TAGS = 9
MAX_TAG_LENGTH = 30


class InlineContent(WireModel):
    """``title`` and ``body``, or Elemental ``elements``."""

    title: str | None = None
    body: str | None = None
    version: str | None = Field(default=None, examples=["2022-01-01"])
    elements: list[dict[str, Any]] | None = None


def _content(value: Any) -> dict[str, Any]:
    """Checked in shape only and kept as it is: what it says is the content module's to read."""
    if not isinstance(value, dict):
        raise problem("Input should be an object with 'title' and 'body', or with 'elements'")
    content = InlineContent.model_validate(value)
    if content.elements is None and content.title is None and content.body is None:
        raise problem("Give 'elements', or 'title' and 'body'")
    return value


class Metadata(WireModel):
    event: Id | None = Field(default=None, description="Free text for filtering; default is the template.")
    tags: (
        Annotated[list[Annotated[str, Field(max_length=MAX_TAG_LENGTH)]], Field(max_length=MAX_TAGS)] | None
    ) = Field(default=None, description="At most 9 tags of at most 30 characters.")
    trace_id: Id | None = Field(
        default=None, description="The sender's own id, for `GET /messages?traceId=`."
    )
    utm: Utm | None = None


class TopicPreferences(WireModel):
    subscription_topic_id: Id | None = Field(
        default=None, description="Governs this message; beats the template's topic."
    )


class SendMessage(WireModel):
    """One message: to whom, what, and how it may travel."""

    to: To = Field(
        description="One recipient, or up to 500; a list, audience or tenant stands for all its users.",
        examples=[
            {"user_id": "user-1"},
            {"email": "ada@example.com"},
            {"list_id": "orders.eu"},
            [{"user_id": "user-1"}, {"user_id": "user-2"}],
        ],
    )
    template: Id | None = Field(default=None, description="Template id or alias; either this or `content`.")
    content: Annotated[dict[str, Any], read_by(_content, described_as=InlineContent)] | None = Field(
        default=None, description="Inline content; either this or `template`."
    )
    data: dict[str, Any] | None = Field(default=None, description="Variables for the content and for `if`.")
    brand_id: Id | None = None
    routing: BoundedRouting | None = Field(
        default=None, description="Replaces the template's routing for this send."
    )
    channels: dict[str, ChannelSettings] | None = Field(
        default=None, description="Settings per channel or provider key."
    )
    providers: dict[str, ProviderSettings] | None = Field(
        default=None, description="Settings per provider key."
    )
    metadata: Metadata | None = None
    delay: Delay | None = None
    timeout: BareOrMessageTimeouts | None = Field(
        default=None, validation_alias=AliasChoices("timeout", "timeouts")
    )
    expiry: Expiry | None = None
    guarantee: Guarantee | None = Field(
        default=None,
        description="`at_most_once`: rather UNDELIVERABLE than sent twice, when a provider's answer is lost.",
    )
    preferences: TopicPreferences | None = None
    context: TenantContext | None = None

    @model_validator(mode="after")
    def _one_content(self) -> "SendMessage":
        if (self.template is None) == (self.content is None):
            raise problem("Give exactly one of 'template' and 'content'")
        return self


def _storable(value: Any) -> Any:
    if (fault := find_fault(value)) is not None:
        raise problem(fault.message, *fault.path)
    return value


class SendRequest(WireModel):
    """The body of ``POST /send``."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "message": {
                        "to": {"user_id": "user-1"},
                        "template": "order-shipped",
                        "data": {"order": "A-17"},
                    }
                },
                {
                    "message": {
                        "to": {"email": "ada@example.com"},
                        "content": {"title": "Welcome, {{name}}", "body": "Good to see you."},
                        "data": {"name": "Ada"},
                        "routing": {"method": "single", "channels": ["email", "sms"]},
                    }
                },
            ]
        }
    )

    message: SendMessage

    _check_text = model_validator(mode="before")(_storable)


def recipients(message: SendMessage) -> tuple[Recipient, ...]:
    """Whom the message is for, in the order given."""
    entries = message.to if isinstance(message.to, list) else [message.to]
    tenant_id = message.context.tenant_id if message.context else None
    return tuple(recipient(entry, tenant_id=tenant_id) for entry in entries)


def brands(message: SendMessage) -> dict[str, str]:
    """The brands that a send names, by place."""
    channels = {f"message.channels.{key}": one.brand_id for key, one in (message.channels or {}).items()}
    named = {"message": message.brand_id, **channels}
    return {f"{place}.brand_id": id_ for place, id_ in named.items() if id_ is not None}


def is_broadcast(message: SendMessage, above: int) -> bool:
    """Whether it is for a group, or names more than ``above`` recipients."""
    to = message.to if isinstance(message.to, list) else [message.to]
    return len(to) > above or any(map(is_group, to))


def is_fanout(message: SendMessage) -> bool:
    """An array, even of one, or a group: each recipient's message has an id of its own."""
    return isinstance(message.to, list) or is_group(message.to)
