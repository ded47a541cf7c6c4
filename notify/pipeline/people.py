"""Whom a batch of messages is for: messages in, what is stored of each recipient out.

One statement for all of them, and a second one only where tenants are in play.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from notify import settings
from notify.model.names import World
from notify.model.people import Line
from notify.recipients.resolve import Addressee
from notify.store import db, tenant_lines
from notify.store import people as store
from notify.store.messages import StoredMessage
from notify.store.people import Asked, Person

_NOBODY = Person(profile=None, tokens=(), memberships={})


def load(tx: db.Tx, messages: Iterable[StoredMessage]) -> dict[UUID, Addressee]:
    """By message id."""
    found = list(messages)
    people = store.load(tx, {asked for one in found if (asked := _asked(one))})
    persons = {one.id: people.get(asked, _NOBODY) if (asked := _asked(one)) else _NOBODY for one in found}
    tenants = {one.id: _tenant(one, persons[one.id]) for one in found}
    lines = tenant_lines.load(tx, {(one.world, name) for one in found if (name := tenants[one.id])})
    return {one.id: _addressee(one.world, tenants[one.id], persons[one.id], lines) for one in found}


def _asked(message: StoredMessage) -> Asked | None:
    return Asked(message.world, message.user_id, message.tenant_id) if message.user_id else None


def _tenant(message: StoredMessage, person: Person) -> str | None:
    """The tenant it is sent in: the one that was named, else the user's only one."""
    alone = len(person.memberships) == 1 and settings.load().single_tenant_context
    return message.tenant_id or (next(iter(person.memberships)) if alone else None)


def _addressee(
    world: World, tenant_id: str | None, person: Person, lines: Mapping[tuple[World, str], Line]
) -> Addressee:
    return Addressee(
        profile=person.profile,
        tokens=person.tokens,
        line=lines.get((world, tenant_id)) if tenant_id else None,
        association=person.memberships.get(tenant_id) if tenant_id else None,
    )
