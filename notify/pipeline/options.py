"""Which configured providers a message could use, as routing sees them."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from notify.errors import InvalidRequest
from notify.model.names import Channel, World
from notify.model.plan import ProviderOption
from notify.providers.base import Provider, load_settings
from notify.providers.registry import REGISTRY
from notify.store.providers import Configured

BUILT_IN = UUID(int=0)
"""Stands for a provider that nobody has configured and that works with its default settings."""
_SANDBOX, _WEBHOOK = REGISTRY["sandbox"], REGISTRY["webhook"]


def options(
    world: World, configured: Sequence[Configured], profile: Mapping[str, Any]
) -> tuple[ProviderOption, ...]:
    """The providers of a world in priority order.

    In the test world, the channels that no configuration serves get the sandbox. Production never pretends;
    only a webhook needs no configuration, since its recipient brings all there is to know.
    """
    own = [
        _option(REGISTRY[entry.provider], entry.id, entry.alias, entry.settings, profile)
        for entry in configured
        if entry.provider in REGISTRY
    ]
    served = {channel for option in own for channel in option.channels}
    free = tuple(channel for channel in Channel if channel not in served)
    if world is World.TEST:
        return (*own, _option(_SANDBOX, BUILT_IN, None, {}, profile, free))
    if Channel.WEBHOOK in free and profile.get("webhook"):
        return (*own, _option(_WEBHOOK, BUILT_IN, None, {}, profile))
    return tuple(own)


def _option(
    provider: Provider[Any],
    id_: UUID,
    alias: str | None,
    settings: Mapping[str, Any],
    profile: Mapping[str, Any],
    channels: Sequence[Channel] | None = None,
) -> ProviderOption:
    served = tuple(provider.channels if channels is None else channels)
    loaded = _load(provider, settings)
    return ProviderOption(
        id=str(id_),
        provider=provider.key,
        alias=alias,
        channels=served,
        missing={channel: provider.missing(profile, channel, loaded) for channel in served},
    )


def _load(provider: Provider[Any], settings: Mapping[str, Any]) -> Any:
    """None for settings that no longer validate: deliver says what is wrong with them."""
    try:
        return load_settings(provider, settings)
    except InvalidRequest:
        return None
