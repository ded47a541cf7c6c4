"""Sections of preferences and their topics."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from notify.model.names import World
from notify.model.preference import Consent, Section, Topic
from notify.store import cache
from notify.store.db import Tx
from notify.store.tables import preference_section, preference_topic

MAX_SECTIONS = 100
MAX_TOPICS = 1000
"""Of a world: they are shown on one page and kept in memory together."""

_section, _topic = preference_section, preference_topic


def of_world(tx: Tx, world: World) -> Mapping[str, Topic]:
    """All topics by id, in the order of their sections and their own; cached."""
    found = cache.get(("topics", world), lambda: {one.id: one for one in topics(tx, world)})
    return found or {}


_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('topics ' || :world, 0))")


def hold(tx: Tx, world: World) -> None:
    """Nobody else changes sections or topics before this transaction ends."""
    tx.execute(_ONE_AT_A_TIME, {"world": world})


# --- sections


def sections(tx: Tx, world: World, id_: str | None = None) -> Sequence[Section]:
    """The sections in the order they were made; only one, if ``id_`` is given."""
    query = select(_section).where(_section.c.world == world, _section.c.archived_at.is_(None))
    query = query if id_ is None else query.where(_section.c.id == id_)
    return [_read_section(row) for row in tx.execute(query.order_by(_section.c.created_at, _section.c.id))]


def _read_section(row: Any) -> Section:
    return Section(
        id=row.id,
        name=row.name,
        description=row.description,
        custom_routing=row.has_custom_routing,
        routing_options=tuple(row.routing_options),
        created_at=row.created_at,
        updated_at=row.updated_at,
        creator=row.creator,
        updater=row.updater,
    )


def add_section(tx: Tx, world: World, id_: str, values: Mapping[str, Any], creator: str) -> None:
    """``values``: by column."""
    tx.execute(insert(_section).values(world=world, id=id_, creator=creator, **values))
    cache.changed(tx)


def put_section(tx: Tx, world: World, id_: str, values: Mapping[str, Any], by: str) -> None:
    """``values``: by column, all of them."""
    _put(tx, _section, {"world": world, "id": id_}, values, by)


def replace_section(tx: Tx, world: World, id_: str, values: Mapping[str, Any], updater: str) -> None:
    """``values``: by column."""
    _change(tx, _section, world, id_, {**values, "updater": updater, "updated_at": func.now()})


def archive_section(tx: Tx, world: World, id_: str) -> None:
    """Needs to be without topics."""
    _change(tx, _section, world, id_, {"archived_at": func.now()})


# --- topics


def topics(
    tx: Tx, world: World, section_id: str | None = None, topic_id: str | None = None
) -> Sequence[Topic]:
    """The topics with their sections, in order; those of one section, or just one, if it is given."""
    query = select(_topic).where(_topic.c.world == world, _topic.c.archived_at.is_(None))
    if section_id is not None:
        query = query.where(_topic.c.section_id == section_id)
    if topic_id is not None:
        query = query.where(_topic.c.id == topic_id)
    by_id = {one.id: one for one in sections(tx, world, section_id)}
    rows = tx.execute(query.order_by(_topic.c.created_at, _topic.c.id)).all()
    return [_read_topic(row, one) for one in by_id.values() for row in rows if row.section_id == one.id]


def _read_topic(row: Any, section: Section) -> Topic:
    return Topic(
        id=row.id,
        section=section,
        name=row.name,
        default=Consent(row.default_status),
        description=row.description,
        allowed=tuple(row.allowed_preferences),
        routing_options=tuple(row.routing_options),
        unsubscribe_header=row.include_unsubscribe_header,
        data=row.topic_data,
        digest=row.digest,
        created_at=row.created_at,
        updated_at=row.updated_at,
        creator=row.creator,
        updater=row.updater,
    )


def add_topic(
    tx: Tx, world: World, section_id: str, id_: str, values: Mapping[str, Any], creator: str
) -> None:
    """``values``: by column."""
    named = {"world": world, "section_id": section_id, "id": id_, "creator": creator}
    tx.execute(insert(_topic).values(**named, **values))
    cache.changed(tx)


def put_topic(tx: Tx, world: World, section_id: str, id_: str, values: Mapping[str, Any], by: str) -> None:
    """``values``: by column, all of them; the digest may be left out and stays."""
    _put(tx, _topic, {"world": world, "id": id_}, {"section_id": section_id, **values}, by)


def replace_topic(tx: Tx, world: World, id_: str, values: Mapping[str, Any], updater: str) -> None:
    """``values``: by column; those left out stay."""
    _change(tx, _topic, world, id_, {**values, "updater": updater, "updated_at": func.now()})


def archive_topic(tx: Tx, world: World, id_: str) -> None:
    """What it is linked to goes on as if it were not; what users chose is kept and says nothing any more."""
    _change(tx, _topic, world, id_, {"archived_at": func.now()})


def _put(tx: Tx, table: Any, key: Mapping[str, Any], values: Mapping[str, Any], by: str) -> None:
    changed = {**values, "updater": by, "updated_at": func.now(), "archived_at": None}
    statement = upsert(table).values(**key, **values, creator=by)
    tx.execute(statement.on_conflict_do_update(index_elements=[*key], set_=changed))
    cache.changed(tx)


def _change(tx: Tx, table: Any, world: World, id_: str, values: Mapping[str, Any]) -> None:
    tx.execute(update(table).where(table.c.world == world, table.c.id == id_).values(**values))
    cache.changed(tx)
