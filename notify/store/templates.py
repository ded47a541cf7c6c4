"""Templates: one draft each, and published versions that only grow."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, cast, func, insert, or_, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError

from notify.errors import Conflict
from notify.model.names import World
from notify.store import cache
from notify.store.db import Tx
from notify.store.tables import template, template_version


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """``draft`` and ``published`` are the payload of the API (name, tags, brand, content, ...)."""

    id: str
    world: World
    alias: str | None
    draft: dict[str, Any]
    published_version: int | None
    created_at: datetime
    updated_at: datetime | None
    archived_at: datetime | None
    published: dict[str, Any] | None = None


_COLUMNS = (
    template.c.id, template.c.world, template.c.alias, template.c.draft, template.c.published_version,
    template.c.created_at, template.c.updated_at, template.c.archived_at,
)  # fmt: skip
_WITH_PUBLISHED = select(*_COLUMNS, template_version.c.payload.label("published")).outerjoin(
    template_version,
    (template_version.c.template_id == template.c.id)
    & (template_version.c.version == template.c.published_version),
)


def _read(row: Any) -> Template:
    return Template(**{**row._mapping, "world": World(row.world)})


def create(tx: Tx, world: World, id_: str, alias: str | None, draft: dict[str, Any]) -> None:
    """Store a new template.

    Raises:
        Conflict: another template has the alias.
    """
    _claiming_alias(tx, insert(template).values(id=id_, world=world, alias=alias, draft=draft))


def replace(tx: Tx, id_: str, alias: str | None, draft: dict[str, Any]) -> None:
    """Replace the draft and the alias.

    Raises:
        Conflict: another template has the alias.
    """
    values = {"alias": alias, "draft": draft, "updated_at": func.now()}
    _claiming_alias(tx, update(template).where(template.c.id == id_).values(values))
    cache.changed(tx)


def _claiming_alias(tx: Tx, statement: Any) -> None:
    try:
        with tx.begin_nested():
            tx.execute(statement)
    except IntegrityError:
        raise Conflict("The alias belongs to another template.") from None


def get(tx: Tx, world: World, id_: str, *, lock: bool = False) -> Template | None:
    """The template with this id, unless it is archived."""
    query = _WITH_PUBLISHED.where(
        template.c.world == world, template.c.id == id_, template.c.archived_at.is_(None)
    )
    row = tx.execute(query.with_for_update(of=template) if lock else query).one_or_none()
    return _read(row) if row else None


_SHOWN = func.coalesce(template_version.c.payload, template.c.draft)
_TAGS = cast(func.lower(cast(_SHOWN["tags"], Text)), JSONB)


def find(
    tx: Tx,
    world: World,
    *,
    before: str | None,
    limit: int,
    tags: Sequence[str] = (),
    alias: str | None = None,
) -> list[Template]:
    """Templates that are not archived, newest first, starting after the id ``before``.

    ``tags``: only those that have them all, in whatever case. ``alias``: only the one with this alias.
    """
    query = _WITH_PUBLISHED.where(template.c.world == world, template.c.archived_at.is_(None))
    if before is not None:
        query = query.where(template.c.id < before)
    if tags:
        query = query.where(_TAGS.contains([tag.lower() for tag in tags]))
    if alias is not None:
        query = query.where(template.c.alias == alias)
    return [_read(row) for row in tx.execute(query.order_by(template.c.id.desc()).limit(limit))]


@dataclass(frozen=True, slots=True)
class Version:
    """A published version."""

    number: int
    created_at: datetime


def versions(tx: Tx, id_: str, *, before: int | None, limit: int) -> list[Version]:
    """Newest first."""
    columns = template_version.c.version, template_version.c.created_at
    query = select(*columns).where(template_version.c.template_id == id_)
    if before is not None:
        query = query.where(template_version.c.version < before)
    newest_first = query.order_by(template_version.c.version.desc())
    return [Version(*row) for row in tx.execute(newest_first.limit(limit))]


def routed_by(tx: Tx, world: World, strategy_id: str, *, before: str | None, limit: int) -> list[Template]:
    """Templates whose draft or published version names the routing strategy, newest first."""
    named = {"routing": {"strategy_id": strategy_id}}
    query = _WITH_PUBLISHED.where(
        template.c.world == world,
        template.c.archived_at.is_(None),
        or_(template.c.draft.contains(named), template_version.c.payload.contains(named)),
    )
    if before is not None:
        query = query.where(template.c.id < before)
    return [_read(row) for row in tx.execute(query.order_by(template.c.id.desc()).limit(limit))]


def sendable(tx: Tx, world: World, name: str) -> Template | None:
    """The template a send names by id or alias; cached."""

    def load() -> Template | None:
        query = _WITH_PUBLISHED.where(
            template.c.world == world,
            template.c.archived_at.is_(None),
            or_(template.c.id == name, template.c.alias == name),
        ).order_by((template.c.id == name).desc())
        row = tx.execute(query.limit(1)).one_or_none()
        return _read(row) if row else None

    return cache.get(("template", world, name), load)


def publish(tx: Tx, id_: str, payload: dict[str, Any]) -> int:
    """Make ``payload`` the newest published version; return its number. Needs the template locked."""
    newest = select(func.coalesce(func.max(template_version.c.version), 0)).where(
        template_version.c.template_id == id_
    )
    version = int(tx.execute(newest).scalar_one()) + 1
    tx.execute(insert(template_version).values(template_id=id_, version=version, payload=payload))
    published = {"published_version": version, "updated_at": func.now()}
    tx.execute(update(template).where(template.c.id == id_).values(published))
    cache.changed(tx)
    return version


def version(tx: Tx, id_: str, number: int) -> dict[str, Any] | None:
    """The payload of one published version."""
    query = select(template_version.c.payload).where(
        template_version.c.template_id == id_, template_version.c.version == number
    )
    found: dict[str, Any] | None = tx.execute(query).scalar_one_or_none()
    return found


_ARCHIVE = text("""
    UPDATE template SET archived_at = now() WHERE world = :world AND id = :id AND archived_at IS NULL
""")


def owner(tx: Tx, id_: str) -> World | None:
    """The world that has a template with this id, archived or not; None: there never was one."""
    found = tx.execute(select(template.c.world).where(template.c.id == id_)).scalar_one_or_none()
    return World(found) if found else None


def unarchive(tx: Tx, id_: str) -> None:
    """Have it be there again."""
    tx.execute(update(template).where(template.c.id == id_).values(archived_at=None))


def archive(tx: Tx, world: World, id_: str) -> bool:
    """Archive; False when there is no such template."""
    done = tx.execute(_ARCHIVE, {"world": world, "id": id_}).rowcount > 0
    cache.changed(tx)
    return done
