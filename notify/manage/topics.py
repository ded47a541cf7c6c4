"""Sections of preferences and their topics: what people do to them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from notify import acting, clock, ids
from notify.errors import Conflict, InvalidRequest, NotFound
from notify.model.names import World
from notify.model.preference import Section, Topic
from notify.preferences import digest
from notify.store import audit, db, topics

Fields = Mapping[str, Any]
"""By column; ``digest`` as it was given."""
Whole = tuple[Section, Sequence[Topic]]
"""A section with its topics."""


def sections(world: World) -> list[Whole]:
    """All of them, in the order they were made."""
    with db.begin() as tx:
        found, all_ = topics.sections(tx, world), topics.topics(tx, world)
    return [(one, [topic for topic in all_ if topic.section.id == one.id]) for one in found]


def section(world: World, id_: str) -> Whole:
    """One section.

    Raises:
        NotFound: there is none.
    """
    with db.begin() as tx:
        return _section(tx, world, id_)


def create_section(world: World, fields: Fields) -> Whole:
    """Make a section, without topics yet.

    Raises:
        InvalidRequest: there are as many as there may be.
    """
    with db.begin() as tx:
        topics.hold(tx, world)
        _room_for_section(tx, world)
        id_ = f"ps_{ids.new().hex}"
        topics.add_section(tx, world, id_, fields, acting.who().id)
        _record(tx, world, "section.created", id_, fields)
        return _section(tx, world, id_)


def replace_section(world: World, id_: str, fields: Fields) -> Whole:
    """Replace what the section says; its topics stay.

    Raises:
        NotFound: there is none.
    """
    with db.begin() as tx:
        topics.hold(tx, world)
        _section(tx, world, id_)
        topics.replace_section(tx, world, id_, fields, acting.who().id)
        _record(tx, world, "section.replaced", id_, fields)
        return _section(tx, world, id_)


def put_section(world: World, id_: str, fields: Fields) -> Whole:
    """Replace the section with this id, or make it; an archived one is back, without its topics.

    Raises:
        InvalidRequest: there are as many as there may be.
    """
    with db.begin() as tx:
        topics.hold(tx, world)
        if not topics.sections(tx, world, id_):
            _room_for_section(tx, world)
        topics.put_section(tx, world, id_, fields, acting.who().id)
        _record(tx, world, "section.replaced", id_, fields)
        return _section(tx, world, id_)


def _room_for_section(tx: db.Tx, world: World) -> None:
    if len(topics.sections(tx, world)) >= topics.MAX_SECTIONS:
        raise InvalidRequest(f"There are {topics.MAX_SECTIONS} sections, the most there may be")


def archive_section(world: World, id_: str) -> None:
    """Take a section away.

    Raises:
        NotFound: there is none.
        Conflict: it holds topics.
    """
    with db.begin() as tx:
        topics.hold(tx, world)
        _, inside = _section(tx, world, id_)
        if inside:
            raise Conflict(f"The section {id_!r} holds topics: archive them first.")
        topics.archive_section(tx, world, id_)
        _record(tx, world, "section.archived", id_)


def _section(tx: db.Tx, world: World, id_: str) -> Whole:
    found = topics.sections(tx, world, id_)
    if not found:
        raise NotFound(f"The section {id_!r} does not exist.")
    return found[0], topics.topics(tx, world, id_)


# --- topics


def topic(world: World, section_id: str, id_: str) -> Topic:
    """One topic.

    Raises:
        NotFound: there is none in this section.
    """
    with db.begin() as tx:
        return _topic(tx, world, section_id, id_)


def create_topic(world: World, section_id: str, fields: Fields) -> Topic:
    """Make a topic.

    Raises:
        NotFound: there is no such section.
        InvalidRequest: its digest cannot be, or there are as many topics as there may be.
    """
    with db.begin() as tx:
        topics.hold(tx, world)
        _section(tx, world, section_id)
        _room_for_topic(tx, world)
        id_ = f"pt_{ids.new().hex}"
        topics.add_topic(tx, world, section_id, id_, _stored(fields, None), acting.who().id)
        _record(tx, world, "topic.created", id_, fields)
        return _topic(tx, world, section_id, id_)


def put_topic(world: World, section_id: str, id_: str, fields: Fields) -> Topic:
    """Replace the topic with this id, or make it, in this section; the ids of its schedules stay as given.

    Raises:
        NotFound: there is no such section.
        InvalidRequest: its digest cannot be, or there are as many topics as there may be.
    """
    with db.begin() as tx:
        topics.hold(tx, world)
        _section(tx, world, section_id)
        if not topics.topics(tx, world, topic_id=id_):
            _room_for_topic(tx, world)
        stored = _stored(fields, digest.elsewhere(fields.get("digest"), clock.now().isoformat()))
        topics.put_topic(tx, world, section_id, id_, stored, acting.who().id)
        _record(tx, world, "topic.replaced", id_, fields)
        return _topic(tx, world, section_id, id_)


def _room_for_topic(tx: db.Tx, world: World) -> None:
    if len(topics.topics(tx, world)) >= topics.MAX_TOPICS:
        raise InvalidRequest(f"There are {topics.MAX_TOPICS} topics, the most there may be")


def replace_topic(world: World, section_id: str, id_: str, fields: Fields) -> Topic:
    """Replace what the topic says; a digest that is not given stays.

    Raises:
        NotFound: there is no such topic in this section.
        InvalidRequest: its digest cannot be.
    """
    return _change(world, section_id, id_, "topic.replaced", lambda before: _stored(fields, before.digest))


def drop_digest(world: World, section_id: str, id_: str) -> None:
    """Turn the topic's digest off, and forget its schedules.

    Raises:
        NotFound: there is no such topic in this section.
    """
    _change(world, section_id, id_, "topic.digest_dropped", lambda _: {"digest": None})


def _change(world: World, section_id: str, id_: str, action: str, change: Callable[[Topic], Fields]) -> Topic:
    with db.begin() as tx:
        topics.hold(tx, world)
        fields = change(_topic(tx, world, section_id, id_))
        topics.replace_topic(tx, world, id_, fields, acting.who().id)
        _record(tx, world, action, id_, fields)
        return _topic(tx, world, section_id, id_)


def archive_topic(world: World, section_id: str, id_: str) -> None:
    """Take a topic away: what is linked to it goes on as if it were not.

    Raises:
        NotFound: there is no such topic in this section.
    """
    with db.begin() as tx:
        topics.hold(tx, world)
        _topic(tx, world, section_id, id_)
        topics.archive_topic(tx, world, id_)
        _record(tx, world, "topic.archived", id_)


def _topic(tx: db.Tx, world: World, section_id: str, id_: str) -> Topic:
    found = topics.topics(tx, world, section_id, id_)
    if not found:
        _section(tx, world, section_id)
        raise NotFound(f"The topic {id_!r} does not exist in the section {section_id!r}.")
    return found[0]


def _stored(fields: Fields, stored: digest.Digest | None) -> dict[str, Any]:
    given, at = fields.get("digest"), clock.now().isoformat()
    if given is None:
        return dict(fields)
    made = digest.configured(given, stored, at=at, new_id=lambda: f"sch_{ids.new().hex}")
    return {**fields, "digest": made}


def _record(tx: db.Tx, world: World, action: str, id_: str, fields: Fields | None = None) -> None:
    kind = f"preference_{action.partition('.')[0]}"
    told = {name: fields[name] for name in ("name", "default_status") if name in fields} if fields else None
    audit.record(tx, f"preference_{action}", (kind, id_), world=world, after=told)
