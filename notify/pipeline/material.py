"""What messages are rendered from: a batch and its recipients in, templates and all they name out.

Everything is read through the cache, and what is not in it with one statement for all messages.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from notify.content.translation import Catalog, locales
from notify.model.names import Mode, World
from notify.pipeline import branding, tenant_content
from notify.pipeline.branding import Dress
from notify.recipients.resolve import Addressee, locale_of
from notify.store import db, routing_strategies, templates, translations
from notify.store.messages import StoredMessage
from notify.store.templates import Template

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What one message is rendered from.

    ``template_id``: None when it names no template, or one that does not exist. ``payload``: the version
    that is sent; None when there is none yet. ``routing``: the template's strategy, as a message keeps it.
    ``brand``: None for no dress at all. ``translate``: of the recipient's locale.
    """

    template_id: str | None = None
    payload: Json | None = None
    routing: Json | None = None
    brand: Dress | None = None
    translate: Catalog | None = None


def load(
    tx: db.Tx, messages: Iterable[StoredMessage], people: Mapping[UUID, Addressee]
) -> dict[UUID, Material]:
    """By message id."""
    found = list(messages)
    names = {(one.world, name) for one in found if (name := one.body.get("template"))}
    known = {name: templates.sendable(tx, *name) for name in names}
    theirs = tenant_content.load(tx, {one.id: _asked_of_tenants(one, people[one.id], known) for one in found})
    chosen = {one.id: _chosen(one, known, theirs.get(one.id)) for one in found}
    routing = _routing(tx, found, chosen)
    dresses = branding.load(tx, {one.id: _asked(one, people[one.id], chosen[one.id][1]) for one in found})
    catalogs = _catalogs(tx, found, people)
    return {
        one.id: Material(
            template_id=chosen[one.id][0],
            payload=chosen[one.id][1],
            routing=routing.get(one.id),
            brand=dresses.get(one.id),
            translate=catalogs.get(one.id),
        )
        for one in found
    }


_Known = Mapping[tuple[World, str], Template | None]


def _asked_of_tenants(
    message: StoredMessage, person: Addressee, known: _Known
) -> tenant_content.Asked | None:
    """Whose templates there may be; None where no tenant or no template is in play."""
    name = message.body.get("template")
    if not name or not person.line:
        return None
    template = known.get((message.world, name))
    names = dict.fromkeys((template.id, name) if template else (name,))
    tenants = [tenant.id for tenant in reversed(person.line.tenants)]
    return tenant_content.Asked(message.world, tenants, list(names), message.mode)


def _catalogs(
    tx: db.Tx, messages: Sequence[StoredMessage], people: Mapping[UUID, Addressee]
) -> dict[UUID, Catalog]:
    wanted = {one.id: locales(locale_of(people[one.id], one.body.get("to") or {})) for one in messages}
    worlds = {one.id: one.world for one in messages}
    names = {(worlds[id_], locale) for id_, tried in wanted.items() for locale in tried}
    found = translations.sendable(tx, names) if names else {}
    catalogs = {name: Catalog(raw) for name, raw in found.items()}
    return {
        id_: catalogs[name]
        for id_, tried in wanted.items()
        if (name := next(((worlds[id_], one) for one in tried if (worlds[id_], one) in catalogs), None))
    }


def _asked(message: StoredMessage, person: Addressee, payload: Json | None) -> branding.Asked:
    tenants = person.line.brand_id if person.line else None
    return branding.asked(message.world, message.body, tenants, payload)


_Chosen = tuple[str | None, Json | None]


def _chosen(message: StoredMessage, known: _Known, theirs: tenant_content.Theirs | None) -> _Chosen:
    """The template, and which version: the published one, or the draft with a draft key.

    What a tenant says itself stands in the place of the workspace's content and routing.
    """
    template = known.get((message.world, message.body.get("template") or ""))
    payload = None
    if template is not None:
        payload = template.draft if message.mode is Mode.DRAFT else template.published
    if theirs is None:
        return (template.id, payload) if template else (None, None)
    return theirs.id, {**(payload or {}), **theirs.payload}


def _routing(
    tx: db.Tx, messages: Iterable[StoredMessage], chosen: Mapping[UUID, _Chosen]
) -> dict[UUID, Json]:
    said = {one.id: payload for one in messages if (payload := chosen[one.id][1])}
    own = {
        id_: payload[tenant_content.STRATEGY]
        for id_, payload in said.items()
        if tenant_content.STRATEGY in payload
    }
    worlds = {one.id: one.world for one in messages}
    wanted = {
        id_: (worlds[id_], payload["routing"]["strategy_id"])
        for id_, payload in said.items()
        if id_ not in own and payload.get("routing")
    }
    found = routing_strategies.sendable(tx, set(wanted.values())) if wanted else {}
    return {**own, **{id_: found[name].as_sent() for id_, name in wanted.items() if name in found}}
