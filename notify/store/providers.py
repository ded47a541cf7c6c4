"""Provider configurations. Secret settings are encrypted at rest and joined again only here."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete as sql_delete
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from notify.errors import Conflict
from notify.model.names import World
from notify.store import cache, vault
from notify.store.db import Tx
from notify.store.tables import provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """A provider configuration; ``settings`` holds the secrets in the clear, so it is never printed."""

    id: UUID
    world: World
    provider: str
    alias: str | None
    title: str
    settings: dict[str, Any] = field(repr=False)
    created_at: datetime
    updated_at: datetime | None


def _read(row: Any) -> Configured:
    return Configured(
        id=row.id,
        world=World(row.world),
        provider=row.provider,
        alias=row.alias,
        title=row.title,
        settings={**row.settings, **vault.unseal(row.secrets)},
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _split(settings: dict[str, Any], secret: frozenset[str]) -> dict[str, Any]:
    return {
        "settings": {key: value for key, value in settings.items() if key not in secret},
        "secrets": vault.seal({key: value for key, value in settings.items() if key in secret}),
    }


def create(
    tx: Tx,
    world: World,
    id_: UUID,
    *,
    key: str,
    alias: str | None,
    title: str,
    settings: dict[str, Any],
    secret: frozenset[str],
) -> None:
    """Store a configuration; ``secret`` names the settings to encrypt.

    Raises:
        Conflict: another configuration of this provider has the alias.
    """
    values = {"id": id_, "world": world, "provider": key, "alias": alias, "title": title}
    _claiming_alias(tx, insert(provider).values(**values, **_split(settings, secret)))


def replace(
    tx: Tx, id_: UUID, *, alias: str | None, title: str, settings: dict[str, Any], secret: frozenset[str]
) -> None:
    """Replace a configuration.

    Raises:
        Conflict: another configuration of this provider has the alias.
    """
    values = {"alias": alias, "title": title, "updated_at": func.now(), **_split(settings, secret)}
    _claiming_alias(tx, update(provider).where(provider.c.id == id_).values(values))


def _claiming_alias(tx: Tx, statement: Any) -> None:
    try:
        with tx.begin_nested():
            tx.execute(statement)
    except IntegrityError:
        raise Conflict("The alias belongs to another configuration of this provider.") from None
    cache.changed(tx)


def get(tx: Tx, world: World, id_: UUID, *, lock: bool = False) -> Configured | None:
    query = select(provider).where(provider.c.world == world, provider.c.id == id_)
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    return _read(row) if row else None


def by_id(tx: Tx, id_: UUID) -> Configured | None:
    """The configuration with this id, whatever its world: for callbacks, which know no world."""
    row = tx.execute(select(provider).where(provider.c.id == id_)).one_or_none()
    return _read(row) if row else None


def find(tx: Tx, world: World, *, after: UUID | None, limit: int) -> list[Configured]:
    """Configurations in the order they were made, which is their priority."""
    query = select(provider).where(provider.c.world == world)
    if after is not None:
        query = query.where(provider.c.id > after)
    return [_read(row) for row in tx.execute(query.order_by(provider.c.id).limit(limit))]


def named(tx: Tx, world: World, name: str) -> Configured:
    """The configuration with this id or alias, or the only one of this provider.

    Raises:
        LookupError: there is none, or more than one; the text says which there are.
    """
    found = find(tx, world, after=None, limit=1000)
    for matches in (
        [one for one in found if name in (str(one.id), one.alias)],
        [one for one in found if one.provider == name],
    ):
        if len(matches) == 1:
            return matches[0]
        if matches:
            listed = ", ".join(f"{one.id} ({one.alias or one.title})" for one in matches)
            raise LookupError(f"{name!r} is configured more than once; give an id or alias: {listed}")
    raise LookupError(f"no provider {name!r} is configured in {world}")


def configured(tx: Tx, world: World) -> Sequence[Configured]:
    """Every configuration of a world, in priority order; cached."""

    def load() -> Sequence[Configured]:
        return tuple(find(tx, world, after=None, limit=1000))

    return cache.get(("providers", world), load) or ()


def delete(tx: Tx, world: World, id_: UUID) -> bool:
    """Delete; False when there is no such configuration."""
    done = (
        tx.execute(sql_delete(provider).where(provider.c.world == world, provider.c.id == id_)).rowcount > 0
    )
    cache.changed(tx)
    return done
