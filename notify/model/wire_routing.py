"""Routing and per-channel settings of a request: ``routing``, ``channels``, ``providers``.

The reference's several spellings (a bare key or an object, ``timeout`` or ``timeouts``) become one form
each, so that nothing behind the door has to know of them.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field

from notify.model.names import Guarantee
from notify.model.plan import Method
from notify.model.wire_base import Id, WireModel, problem, read_by
from notify.model.wire_timeouts import BareOrChannelTimeouts, ProviderTimeout

MAX_ROUTING_DEPTH = 8
MAX_ROUTING_ENTRIES = 100
MAX_PROVIDERS = 50

Condition = Annotated[str, Field(max_length=10_000)]
_IF = "JavaScript expression over `data` and `profile`; when it is false this entry is left out."


def _provider_object(value: Any) -> Any:
    if isinstance(value, str):
        return {"provider": value}
    if isinstance(value, Mapping | ProviderEntry):
        return value
    raise problem("Input should be a provider key or an object with 'provider'")


class Utm(WireModel):
    """Appended to the links of the content."""

    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    term: str | None = None
    content: str | None = None


class UtmHolder(WireModel):
    utm: Utm | None = None


class ProviderEntry(WireModel):
    """One provider of a channel's failover list; ``key`` or ``key:alias``."""

    provider: Id
    override: dict[str, Any] | None = None
    if_: Condition | None = Field(default=None, alias="if", description=_IF)
    timeouts: ProviderTimeout = Field(default=None, validation_alias=AliasChoices("timeouts", "timeout"))


ProviderList = Annotated[
    list[
        Annotated[
            ProviderEntry, BeforeValidator(_provider_object, json_schema_input_type="str | ProviderEntry")
        ]
    ],
    Field(
        max_length=MAX_PROVIDERS,
        description="Failover list: provider keys (`sendgrid`, `sendgrid:alias`) or objects.",
    ),
]


class ChannelSettings(WireModel):
    """What a message says about one channel (or, under a provider key, about that provider's channel)."""

    brand_id: Id | None = None
    providers: ProviderList | None = None
    routing_method: Method | None = Field(
        default=None, description="`single`: failover; `all`: every provider."
    )
    if_: Condition | None = Field(default=None, alias="if", description=_IF)
    timeouts: BareOrChannelTimeouts | None = Field(
        default=None, validation_alias=AliasChoices("timeouts", "timeout")
    )
    override: dict[str, Any] | None = Field(default=None, description="Applied to the rendered output.")
    guarantee: Guarantee | None = Field(default=None, description="Beats the message's own.")
    metadata: UtmHolder | None = None


class ProviderSettings(WireModel):
    """What a message says about one provider."""

    override: dict[str, Any] | None = Field(default=None, description="Merged into the provider's request.")
    if_: Condition | None = Field(default=None, alias="if", description=_IF)
    timeouts: ProviderTimeout = Field(
        default=None,
        validation_alias=AliasChoices("timeouts", "timeout"),
        description="Milliseconds before the next provider is tried.",
    )
    metadata: UtmHolder | None = None


class ChannelEntry(WireModel):
    """One channel or provider key of a routing list, with what the older object form may add."""

    channel: Id
    providers: ProviderList | None = None
    routing_method: Method | None = Field(
        default=None, alias="method", description="How the channel's own providers are used."
    )
    if_: Condition | None = Field(default=None, alias="if", description=_IF)
    timeouts: BareOrChannelTimeouts | None = Field(
        default=None, validation_alias=AliasChoices("timeouts", "timeout")
    )


def _entry(value: Any) -> "ChannelEntry | Routing":
    if isinstance(value, ChannelEntry | Routing):
        return value
    if isinstance(value, str):
        return ChannelEntry.model_validate({"channel": value})
    if not isinstance(value, Mapping):
        raise problem("Input should be a channel or provider key, or an object with 'channel' or 'channels'")
    return (Routing if "channels" in value else ChannelEntry).model_validate(value)


RoutingEntry = Annotated[
    "ChannelEntry | Routing", read_by(_entry, described_as="str | Routing | ChannelEntry")
]


class Routing(WireModel):
    """``single``: the first entry that succeeds ends it. ``all``: every entry, each on its own."""

    method: Method
    channels: list[RoutingEntry] = Field(
        description="Channels (`email`), provider keys (`twilio`), nested nodes or objects, best first."
    )


def _bounded(value: Any) -> Any:
    """Checked before anything recurses into it."""
    level, depth, seen = [value], 0, 0
    while level := [entry for node in level if isinstance(node, Mapping) for entry in _children(node)]:
        depth, seen = depth + 1, seen + len(level)
        if depth > MAX_ROUTING_DEPTH:
            raise problem(f"Routing may be nested at most {MAX_ROUTING_DEPTH} deep", "channels")
        if seen > MAX_ROUTING_ENTRIES:
            raise problem(f"Routing may have at most {MAX_ROUTING_ENTRIES} entries in total", "channels")
    return value


def _children(node: Mapping[str, Any]) -> list[Any]:
    channels = node.get("channels")
    return channels if isinstance(channels, list) else []


BoundedRouting = Annotated[Routing, BeforeValidator(_bounded)]


class TemplateRouting(WireModel):
    """What a template says of routing: a strategy, as a message keeps it. A send's own words beat it."""

    routing: BoundedRouting
    channels: dict[str, ChannelSettings] | None = None
    providers: dict[str, ProviderSettings] | None = None
