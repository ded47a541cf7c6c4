"""Which overrides a delivery gets: a message, its routing and one leaf's provider in, the overrides out.

From weak to strong: the channel's (in the channel's own words), then the provider's: its entry in a failover
list, ``channels.<provider>.override``, ``providers.<provider>.override``. ``key:alias`` beats ``key``. What
the template's strategy says is weaker than all that the message does.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from notify.model.names import Channel
from notify.model.wire import ChannelEntry, ProviderEntry, Routing, SendMessage, TemplateRouting

Override = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A leaf of the plan and the configured provider that takes it."""

    leaf: str
    channel: Channel
    provider: str
    alias: str | None = None

    def names(self) -> tuple[str, ...]:
        """How a message may name the provider, the weaker first."""
        return (self.provider, f"{self.provider}:{self.alias}") if self.alias else (self.provider,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """``channel``: in words that all providers of a channel share.

    ``provider``: in the provider's own, the weaker first; each is merged over those before it.
    """

    channel: Override = field(default_factory=dict)
    provider: tuple[Override, ...] = ()


NOTHING = Overrides()


def overrides(message: SendMessage, template: TemplateRouting | None, target: Target) -> Overrides:
    """``template``: what its strategy says; None when there is none."""
    channels, names = message.channels or {}, target.names()
    entry = _entry_at(message.routing or (template.routing if template else None), target.leaf)
    below = _of_template(template, target, listed=message.routing is None)
    found = channels.get(target.channel)
    listed = (found.providers if found else None) or (entry.providers if entry else None) or ()
    layers = (*_listed(listed, names), *_named(channels, names), *_named(message.providers, names))
    return Overrides(
        channel={**below.channel, **((found.override if found else None) or {})},
        provider=(*below.provider, *(layer for layer in layers if layer)),
    )


def _of_template(template: TemplateRouting | None, target: Target, *, listed: bool) -> Overrides:
    """``listed``: the message goes by the template's own routing."""
    if template is None:
        return NOTHING
    channels, names = template.channels or {}, target.names()
    found = channels.get(target.channel)
    entries = (found.providers if found and listed else None) or ()
    layers = (*_listed(entries, names), *_named(channels, names), *_named(template.providers, names))
    own = (found.override if found else None) or {}
    return Overrides(channel=own, provider=tuple(layer for layer in layers if layer))


def _listed(entries: Iterable[ProviderEntry], names: tuple[str, ...]) -> Iterator[Override | None]:
    return (entry.override for name in names for entry in entries if entry.provider == name)


def _named(settings: Mapping[str, Any] | None, names: tuple[str, ...]) -> Iterator[Override | None]:
    return (settings[name].override for name in names if settings and name in settings)


def _entry_at(routing: Routing | None, key: str) -> ChannelEntry | None:
    """The entry a leaf was made from: its key is the path to it, with one step more for a channel's sides."""
    node: Routing | ChannelEntry | None = routing
    for index in map(int, key.split(".")):
        if not isinstance(node, Routing) or index >= len(node.channels):
            break
        node = node.channels[index]
    return node if isinstance(node, ChannelEntry) else None
