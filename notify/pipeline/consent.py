"""What the recipients of a batch want: messages and their contents in, a decision for each out.

Topics are cached, so a batch without one asks for nothing, and one with topics for one statement.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from notify.model.preference import Said, Topic, Wanted
from notify.preferences import sent
from notify.preferences.decide import decide
from notify.store import db, templates, topics, user_preferences
from notify.store.messages import StoredMessage
from notify.store.user_preferences import Asked, Found


def topic_of(body: Mapping[str, Any], templates: str | None) -> str | None:
    """The topic of a message: its own, else its template's."""
    own: str | None = (body.get("preferences") or {}).get("subscription_topic_id")
    return own or templates


def wanted(
    tx: db.Tx, messages: Mapping[UUID, StoredMessage], templates: Mapping[UUID, str | None], now: datetime
) -> dict[UUID, Wanted]:
    """By message id; those without a topic, or with one that does not exist, are left out.

    Args:
        templates: the topics of the messages' templates, by message id.
    """
    named = {id_: topic_of(one.body, templates.get(id_)) for id_, one in messages.items()}
    worlds = {messages[id_].world for id_, name in named.items() if name}
    known = {world: topics.of_world(tx, world) for world in sorted(worlds)}
    found: dict[UUID, Topic] = {
        id_: topic for id_, name in named.items() if name and (topic := known[messages[id_].world].get(name))
    }
    said = user_preferences.said(tx, [_asked(messages[id_], topic) for id_, topic in found.items()])
    return {
        id_: decide(topic, _complete(tx, messages[id_], topic, said[str(id_)], now))
        for id_, topic in found.items()
    }


def _asked(message: StoredMessage, topic: Topic) -> Asked:
    return Asked(
        str(message.id), message.world, topic.id, message.user_id, message.tenant_id, message.list_id
    )


def _complete(tx: db.Tx, message: StoredMessage, topic: Topic, found: Found, now: datetime) -> Said:
    """With what was sent along; the message's own is stronger than that of the list it came through."""
    given = [*found.lists, (message.body.get("to") or {}).get("preferences")]
    by_template = any((one or {}).get("notifications") for one in given)
    names = _names(tx, message) if by_template else ()
    layers = [
        layer for one in given for layer in sent.choices(one, topic_id=topic.id, templates=names, now=now)
    ]
    return Said(tenants=found.said.tenants, user=found.said.user, sent=layers)


def _names(tx: db.Tx, message: StoredMessage) -> tuple[str, ...]:
    """What the message's template is called: as the message calls it, its id, its alias. Asks the cache."""
    named = message.body.get("template")
    template = templates.sendable(tx, message.world, named) if named else None
    called = (named, template and template.id, template and template.alias)
    return tuple(dict.fromkeys(name for name in called if name))
