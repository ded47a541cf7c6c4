"""Provider configurations: create, list, read, replace, delete. Secrets go in and never come out."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from notify import ids
from notify.errors import InvalidRequest, NotFound
from notify.model.names import World
from notify.providers.base import Provider, load_settings
from notify.providers.registry import REGISTRY
from notify.store import db, providers
from notify.store.providers import Configured

MASK = "********"
DEFAULT_TITLE = "Default Configuration"


def create(
    world: World, key: str, *, alias: str | None, title: str | None, settings: dict[str, Any]
) -> Configured:
    """Configure a provider.

    Raises:
        InvalidRequest: the provider is unknown or its settings are wrong.
        Conflict: the alias is taken.
    """
    provider = _provider(key)
    load_settings(provider, settings)
    id_ = ids.new()
    with db.begin() as tx:
        providers.create(
            tx,
            world,
            id_,
            key=key,
            alias=alias,
            title=title or DEFAULT_TITLE,
            settings=_known_fields(provider, settings),
            secret=provider.Settings.secret_fields(),
        )
        return _get(tx, world, id_)


def replace(
    world: World, id_: UUID, key: str, *, alias: str | None, title: str | None, settings: dict[str, Any]
) -> Configured:
    """Replace a configuration; a masked secret keeps its stored value.

    Raises:
        NotFound: there is no such configuration.
        InvalidRequest: it is of another provider, or the settings are wrong.
        Conflict: the alias is taken.
    """
    provider = _provider(key)
    with db.begin() as tx:
        stored = _get(tx, world, id_, lock=True)
        if stored.provider != key:
            raise InvalidRequest(f"provider: the configuration is of {stored.provider!r}")
        unmasked = {
            name: stored.settings.get(name) if value == MASK else value for name, value in settings.items()
        }
        load_settings(provider, unmasked)
        providers.replace(
            tx,
            id_,
            alias=alias,
            title=title or DEFAULT_TITLE,
            settings=_known_fields(provider, unmasked),
            secret=provider.Settings.secret_fields(),
        )
        return _get(tx, world, id_)


def get(world: World, id_: UUID) -> Configured:
    """One configuration.

    Raises:
        NotFound: there is no such configuration.
    """
    with db.begin() as tx:
        return _get(tx, world, id_)


def find(world: World, *, after: UUID | None, limit: int) -> Sequence[Configured]:
    with db.begin() as tx:
        return providers.find(tx, world, after=after, limit=limit)


def delete(world: World, id_: UUID) -> None:
    """Delete a configuration; deliveries under way with it fail over.

    Raises:
        NotFound: there is no such configuration.
    """
    with db.begin() as tx:
        if not providers.delete(tx, world, id_):
            raise NotFound("This provider configuration does not exist.")


def masked(configured: Configured) -> dict[str, Any]:
    """The settings as they may be shown."""
    provider = REGISTRY.get(configured.provider)
    secret = provider.Settings.secret_fields() if provider else frozenset(configured.settings)
    return {name: MASK if name in secret else value for name, value in configured.settings.items()}


def _get(tx: db.Tx, world: World, id_: UUID, *, lock: bool = False) -> Configured:
    found = providers.get(tx, world, id_, lock=lock)
    if found is None:
        raise NotFound("This provider configuration does not exist.")
    return found


def _provider(key: str) -> Provider[Any]:
    if key not in REGISTRY:
        raise InvalidRequest(f"provider: {key!r} is not known; there are {', '.join(sorted(REGISTRY))}")
    return REGISTRY[key]


def _known_fields(provider: Provider[Any], settings: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in settings.items() if name in provider.Settings.model_fields}
