"""Which setting applies: the spellings and levels of a request in, one answer per question out.

A value for a provider or channel beats the maps of ``message.timeout``, which beat the defaults; the
message's value beats the routing entry's, which beats the template's.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeVar

from notify.model.names import Channel
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

    def channel(self, entry: ChannelEntry, channel: Channel) -> "ChannelLevels":
        """``entry``: the routing entry that leads to ``channel``, by its name or a provider's."""
        keys = (*_keys(entry.channel), channel.value)
        own = ChannelSettings(providers=entry.providers, routing_method=entry.method, timeouts=entry.timeouts)
        layers = (
            *_found(self.message.channels or {}, keys),
            own,
            *_found(self.template_channels, keys),
        )
        return ChannelLevels(levels=self, entry=entry, keys=keys, layers=layers)

    def message_ms(self) -> int:
        given = self.message.timeout.message if self.message.timeout else None
        return self.limits.message_ms if given is None else given


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLevels:
    """The settings of one channel as one routing entry sees it."""

    levels: Levels
    entry: ChannelEntry
    keys: tuple[str, ...]
    layers: tuple[ChannelSettings, ...]

    def method(self) -> Method:
        return self._first(lambda layer: layer.routing_method) or Method.SINGLE

    def providers(self) -> list[ProviderEntry] | None:
        """The failover list; None when nobody gave one."""
        return self._first(lambda layer: layer.providers)

    def conditions(self) -> tuple[str, ...]:
        """All of them must hold: the entry's own, and the channel's."""
        return _given(self.entry.if_, self._first(lambda layer: layer.if_))

    def timeout_ms(self) -> int:
        timeout = self.levels.message.timeout
        return _first_of(
            self._first(lambda layer: layer.timeouts.channel if layer.timeouts else None),
            _for_key(timeout.channel if timeout else None, self.keys),
            default=self.levels.limits.channel_ms,
        )

    def provider_conditions(self, provider: ProviderEntry) -> tuple[str, ...]:
        return _given(provider.if_, _first_of_all(layer.if_ for layer in self._provider_layers(provider)))

    def provider_timeout_ms(self, provider: ProviderEntry) -> int:
        timeout = self.levels.message.timeout
        return _first_of(
            _first_of_all(layer.timeouts for layer in self._provider_layers(provider, provider.timeouts)),
            self._first(lambda layer: layer.timeouts.provider if layer.timeouts else None),
            _for_key(timeout.provider if timeout else None, _keys(provider.provider)),
            default=self.levels.limits.provider_ms,
        )

    def _provider_layers(
        self, provider: ProviderEntry, own_ms: int | None = None
    ) -> Iterator[ProviderSettings]:
        keys = _keys(provider.provider)
        yield from _found(self.levels.message.providers or {}, keys)
        yield ProviderSettings(timeouts=own_ms)
        yield from _found(self.levels.template_providers, keys)

    def _first(self, read: Callable[[ChannelSettings], T | None]) -> T | None:
        return _first_of_all(map(read, self.layers))


def _keys(name: str) -> tuple[str, ...]:
    """``sendgrid:alias`` is also looked up as ``sendgrid``."""
    key, colon, _ = name.partition(":")
    return (name, key) if colon else (name,)


def _found(settings: Mapping[str, T], keys: tuple[str, ...]) -> Iterator[T]:
    return (settings[key] for key in dict.fromkeys(keys) if key in settings)


def _for_key(timeout: int | dict[str, int] | None, keys: tuple[str, ...]) -> int | None:
    return _first_of_all(_found(timeout, keys)) if isinstance(timeout, dict) else timeout


def _given(*conditions: str | None) -> tuple[str, ...]:
    return tuple(condition for condition in conditions if condition is not None)


def _first_of(*values: int | None, default: int) -> int:
    found = _first_of_all(values)
    return default if found is None else found


def _first_of_all(values: "Iterator[T | None] | tuple[T | None, ...]") -> T | None:
    return next((value for value in values if value is not None), None)
