"""Provider configurations: create, list, read, replace, delete. Secrets go in and never come out."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from notify import ids
from notify.errors import Conflict, InvalidRequest, NotFound
from notify.manage.patching import merge_patched
from notify.model.names import World
from notify.providers.base import Provider, RateLimit, load_settings
from notify.providers.registry import REGISTRY
from notify.store import audit, db, providers, routing_strategies
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
        created = _get(tx, world, id_)
        audit.record(tx, "provider.created", ("provider", id_), world=world, after=_told(created))
        return created


def replace(
    world: World, id_: UUID, key: str, *, alias: str | None, title: str | None, settings: dict[str, Any]
) -> Configured:
    """Replace a configuration; a masked secret keeps its stored value.

    Raises:
        NotFound: there is no such configuration.
        InvalidRequest: it is of another provider, or the settings are wrong.
        Conflict: the alias is taken.
    """
    _provider(key)
    with db.begin() as tx:
        stored = _get(tx, world, id_, lock=True)
        if stored.provider != key:
            raise InvalidRequest(f"provider: the configuration is of {stored.provider!r}")
        return _replace(tx, stored, alias=alias, title=title, settings=_unmasked(stored, settings))


def patch(world: World, id_: UUID, fields: Mapping[str, Any]) -> Configured:
    """Change what ``fields`` name: ``alias``, ``title``, and ``settings`` by JSON Merge Patch (RFC 7396).

    Raises:
        NotFound: there is no such configuration.
        InvalidRequest: it is of another provider, or the settings would be wrong.
        Conflict: the alias is taken.
    """
    with db.begin() as tx:
        stored = _get(tx, world, id_, lock=True)
        if fields.get("provider") not in (None, stored.provider):
            raise InvalidRequest(f"provider: the configuration is of {stored.provider!r}")
        given = _unmasked(stored, fields.get("settings") or {})
        return _replace(
            tx,
            stored,
            alias=fields.get("alias", stored.alias),
            title=fields.get("title", stored.title),
            settings=merge_patched(stored.settings, given),
        )


def _unmasked(stored: Configured, settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: stored.settings.get(name) if value == MASK else value for name, value in settings.items()}


def _replace(
    tx: db.Tx, stored: Configured, *, alias: str | None, title: str | None, settings: dict[str, Any]
) -> Configured:
    provider = _provider(stored.provider)
    load_settings(provider, settings)
    providers.replace(
        tx,
        stored.id,
        alias=alias,
        title=title or DEFAULT_TITLE,
        settings=_known_fields(provider, settings),
        secret=provider.Settings.secret_fields(),
    )
    return _replaced(tx, "provider.replaced", stored)


def limit(world: World, id_: UUID, rate: RateLimit | None) -> Configured:
    """Change how often a provider is called, at most; None: as often as there is something to send.

    It holds for what waits already, within a minute.

    Raises:
        NotFound: there is no such configuration.
    """
    with db.begin() as tx:
        stored = _get(tx, world, id_, lock=True)
        settings = {**stored.settings, "rate_limit": rate.model_dump() if rate else None}
        providers.replace(
            tx,
            id_,
            alias=stored.alias,
            title=stored.title,
            settings={name: value for name, value in settings.items() if value is not None},
            secret=_provider(stored.provider).Settings.secret_fields(),
        )
        return _replaced(tx, "provider.limited", stored)


def _replaced(tx: db.Tx, action: str, before: Configured) -> Configured:
    after = _get(tx, before.world, before.id)
    audit.record(
        tx, action, ("provider", before.id), world=before.world, before=_told(before), after=_told(after)
    )
    return after


def _told(configured: Configured) -> dict[str, Any]:
    return {
        "provider": configured.provider,
        "alias": configured.alias,
        "title": configured.title,
        "settings": masked(configured),
    }


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
        Conflict: a routing strategy sends by it, and by no other of its kind.
    """
    with db.begin() as tx:
        stored = _get(tx, world, id_, lock=True)
        names = _only_its(tx, stored)
        if names and (strategy := routing_strategies.naming(tx, world, names)):
            raise Conflict(f"Routing strategy {strategy} sends by {names[0]!r}.")
        providers.delete(tx, world, id_)
        audit.record(tx, "provider.deleted", ("provider", id_), world=world, before=_told(stored))


def _only_its(tx: db.Tx, stored: Configured) -> list[str]:
    """What stands for this configuration and for no other."""
    there = providers.find(tx, stored.world, after=None, limit=1000)
    same = [one for one in there if one.provider == stored.provider]
    aliased = [f"{stored.provider}:{stored.alias}"] if stored.alias else []
    return aliased if len(same) > 1 else [stored.provider, *aliased]


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
