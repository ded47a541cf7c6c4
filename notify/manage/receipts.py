"""Callbacks of providers: a request in, its verified report out."""

from uuid import UUID

from notify.errors import InvalidRequest, NotFound
from notify.model.receipt import Callback
from notify.pipeline.receiving import Report
from notify.providers import receipts
from notify.providers.base import load_settings
from notify.providers.registry import REGISTRY
from notify.store import cache, db, providers
from notify.store.providers import Configured


def verified(configuration_id: UUID, callback: Callback) -> Report:
    """What a provider reports, once its signature is checked with the configuration it was sent to.

    Raises:
        NotFound: there is no such configuration.
        Unauthenticated: the signature is missing or wrong, or nothing to check it with is configured.
        InvalidRequest: it is rightly signed and cannot be read.
        Unavailable: the database is away.
    """
    configured = cache.get(("provider", configuration_id), lambda: _configured(configuration_id))
    provider = REGISTRY.get(configured.provider) if configured else None
    if configured is None or provider is None:
        raise NotFound("This provider configuration does not exist.")
    try:
        settings = load_settings(provider, configured.settings)
    except InvalidRequest:
        raise receipts.forged() from None
    return Report(
        world=configured.world,
        provider_id=configured.id,
        updates=receipts.read(provider, callback, settings),
        received_at=callback.received_at,
    )


def _configured(id_: UUID) -> Configured | None:
    with db.begin() as tx:
        return providers.by_id(tx, id_)
