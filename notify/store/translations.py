"""Translations: one ``.po`` file per locale, and the catalog that is sent with, worked out from it."""

from collections import OrderedDict
from collections.abc import Collection, Mapping
from threading import Lock
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.dialects.postgresql import insert

from notify.model.names import World
from notify.store import cache
from notify.store.db import Tx
from notify.store.tables import translation

MAX_LOCALES = 300
"""Of a world."""
_MAX_KEPT = 64

DOMAIN = "default"
Name = tuple[World, str]

_kept: OrderedDict[str, Mapping[str, Any]] = OrderedDict()
"""Digest -> catalog; what it stands for never changes."""
_lock = Lock()


def put(tx: Tx, world: World, locale: str, *, po: str, catalog: Mapping[str, Any], digest: str) -> bool:
    """Store a file in the place of the one before; False when the world has as many as it may."""
    values = {"po": po, "catalog": catalog, "digest": digest}
    statement = insert(translation).values(world=world, domain=DOMAIN, locale=locale, **values)
    key = ["world", "domain", "locale"]
    tx.execute(statement.on_conflict_do_update(index_elements=key, set_={**values, "updated_at": func.now()}))
    cache.changed(tx)
    return (
        int(tx.execute(select(func.count()).where(translation.c.world == world)).scalar_one()) <= MAX_LOCALES
    )


def get(tx: Tx, world: World, locale: str) -> str | None:
    """The file as it was uploaded."""
    query = select(translation.c.po).where(
        translation.c.world == world, translation.c.domain == DOMAIN, translation.c.locale == locale
    )
    return tx.execute(query).scalar_one_or_none()


_WANTED = text("""
    SELECT digest, catalog FROM translation
    WHERE domain = :domain AND digest = ANY(:digests) AND world = ANY(:worlds)
""")


def sendable(tx: Tx, wanted: Collection[Name]) -> dict[Name, Mapping[str, Any]]:
    """The catalogs of these locales, if they are there; cached."""
    known = {world: _digests(tx, world) for world in {world for world, _ in wanted}}
    digests = {name: digest for name in wanted if (digest := known[name[0]].get(name[1]))}
    if not digests:
        return {}
    catalogs = _catalogs(tx, set(digests.values()), known.keys())
    return {name: catalogs[digest] for name, digest in digests.items() if digest in catalogs}


def _digests(tx: Tx, world: World) -> Mapping[str, str]:
    """Locale -> digest."""
    query = select(translation.c.locale, translation.c.digest).where(
        translation.c.world == world, translation.c.domain == DOMAIN
    )
    found = cache.get(("translations", world), lambda: {row.locale: row.digest for row in tx.execute(query)})
    return found or {}


def _catalogs(tx: Tx, digests: Collection[str], worlds: Collection[World]) -> dict[str, Mapping[str, Any]]:
    with _lock:
        found = {digest: _kept[digest] for digest in digests if digest in _kept}
    if missing := [digest for digest in digests if digest not in found]:
        given = {"domain": DOMAIN, "digests": missing, "worlds": list(worlds)}
        loaded = {row.digest: row.catalog for row in tx.execute(_WANTED, given)}
        found |= loaded
        with _lock:
            _kept.update(loaded)
            while len(_kept) > _MAX_KEPT:
                _kept.popitem(last=False)
    return found
