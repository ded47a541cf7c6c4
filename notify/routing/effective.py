"""Which setting applies: the spellings and levels of a request in, one answer per question out.

A value for a provider or channel beats the maps of ``message.timeout``, which beat the defaults; the
message's value beats the routing entry's, which beats the template's.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from notify.model.names import Channel, Guarantee
from notify.model.plan import Method
from notify.model.wire import ChannelEntry, ChannelSettings, ProviderEntry, ProviderSettings, SendMessage

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """The defaults: how long one provider, one channel and the whole message may take, in milliseconds."""

    provider_ms: int = 300_000
    channel_ms: int = 1_800_000
    message_ms: int = 259_200_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """The settings of one message, from the strongest level to the weakest."""

    message: SendMessage
    template_channels: Mapping[str, ChannelSettings]
    template_providers: Mapping[str, ProviderSettings]
    limits: Timeouts
    template_guarantee: Guarantee | None = None

    def channel(self, entry: ChannelEntry, channel: Channel) -> "ChannelLevels":
        """``entry``: the routing entry that leads to ``channel``, by its name or a provider's."""
        keys = (*_keys(entry.channel), channel.value)
        given, template = _found(self.message.channels, keys), _found(self.template_channels, keys)
        return ChannelLevels(levels=self, entry=entry, keys=keys, given=given, template=template)

    def message_ms(self) -> int:
        given = self.message.timeout.message if self.message.timeout else None
        return self.limits.message_ms if given is None else given


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLevels:
    """The settings of one channel as one routing entry sees it."""

    levels: Levels
    entry: ChannelEntry
    keys: tuple[str, ...]
    given: Sequence[ChannelSettings]
    template: Sequence[ChannelSettings]

    def method(self) -> Method:
        return self._first(lambda layer: layer.routing_method) or Method.SINGLE

    def providers(self) -> list[ProviderEntry] | None:
        """The failover list; None when nobody gave one."""
        return self._first(lambda layer: layer.providers)

    def conditions(self) -> list[str]:
        """All of them must hold: the entry's own, and the channel's."""
        channel = next((layer.if_ for layer in (*self.given, *self.template) if layer.if_ is not None), None)
        return [condition for condition in (self.entry.if_, channel) if condition is not None]

    def guarantee(self) -> Guarantee:
        channels = (layer.guarantee for layer in self.given)
        levels = (*channels, self.levels.message.guarantee, self.levels.template_guarantee)
        return next((value for value in levels if value is not None), Guarantee.AT_LEAST_ONCE)

    def timeout_ms(self) -> int:
        own = self._first(lambda layer: layer.timeouts.channel if layer.timeouts else None)
        if own is not None:
            return own
        timeout = self.levels.message.timeout
        return _for_keys(timeout.channel if timeout else None, self.keys, self.levels.limits.channel_ms)

    def provider(self, listed: ProviderEntry | None, key: str) -> "ProviderLevels":
        """``listed``: the entry of the failover list, None when there is no list."""
        keys = _keys(listed.provider if listed else key)
        given = _found(self.levels.message.providers, keys)
        template = _found(self.levels.template_providers, keys)
        return ProviderLevels(channel=self, listed=listed, keys=keys, given=given, template=template)

    def provider_ms(self) -> int | None:
        return self._first(lambda layer: layer.timeouts.provider if layer.timeouts else None)

    def _first(self, read: Callable[[ChannelSettings | ChannelEntry], T | None]) -> T | None:
        layers: Sequence[ChannelSettings | ChannelEntry] = (*self.given, self.entry, *self.template)
        return next((value for value in map(read, layers) if value is not None), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderLevels:
    """The settings of one provider within one channel."""

    channel: ChannelLevels
    listed: ProviderEntry | None
    keys: tuple[str, ...]
    given: Sequence[ProviderSettings]
    template: Sequence[ProviderSettings]

    def conditions(self) -> list[str]:
        """All of them must hold: the list entry's own, and the provider's."""
        own = self.listed.if_ if self.listed else None
        provider = next((layer.if_ for layer in (*self.given, *self.template) if layer.if_ is not None), None)
        return [condition for condition in (own, provider) if condition is not None]

    def timeout_ms(self) -> int:
        for layer in (*self.given, self.listed, *self.template):
            if layer is not None and layer.timeouts is not None:
                return layer.timeouts
        if (by_channel := self.channel.provider_ms()) is not None:
            return by_channel
        levels = self.channel.levels
        timeout = levels.message.timeout
        return _for_keys(timeout.provider if timeout else None, self.keys, levels.limits.provider_ms)


def _keys(name: str) -> tuple[str, ...]:
    """``sendgrid:alias`` is also looked up as ``sendgrid``."""
    key, colon, _ = name.partition(":")
    return (name, key) if colon else (name,)


def _found(settings: Mapping[str, T] | None, keys: Iterable[str]) -> Sequence[T]:
    return [settings[key] for key in dict.fromkeys(keys) if key in settings] if settings else ()


def _for_keys(timeout: int | dict[str, int] | None, keys: Iterable[str], default: int) -> int:
    if isinstance(timeout, dict):
        return next((timeout[key] for key in keys if key in timeout), default)
    return default if timeout is None else timeout
