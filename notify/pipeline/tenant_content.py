"""Tenants' own templates: what was asked for, by which tenants, in; the nearest one's own out."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from notify.model.names import Mode, World
from notify.store import db, tenant_templates
from notify.store.tenant_templates import Key, Sendable

STRATEGY = "strategy"
"""In the payload of a tenant's template: its own routing, as a message keeps it."""


class Asked(NamedTuple):
    """``tenants``: the nearest first. ``names``: what the template is called."""

    world: World
    tenants: Sequence[str]
    names: Sequence[str]
    mode: Mode

    def places(self) -> list[Key]:
        """Where to look, the best first."""
        return [Key(self.world, tenant, name) for tenant in self.tenants for name in self.names]


class Theirs(NamedTuple):
    """``payload``: what of a template's it replaces."""

    id: str
    payload: dict[str, Any]


def load(tx: db.Tx, wanted: Mapping[UUID, Asked | None]) -> dict[UUID, Theirs]:
    """By message id; one whose tenants have nothing of their own is left out."""
    asked = {id_: one for id_, one in wanted.items() if one}
    keys = {key for one in asked.values() for key in one.places()}
    found = tenant_templates.sendable(tx, keys) if keys else {}
    return {id_: theirs for id_, one in asked.items() if (theirs := _nearest(one, found))}


def _nearest(asked: Asked, found: Mapping[Key, Sendable]) -> Theirs | None:
    for key in asked.places():
        own = found.get(key)
        payload = (own.draft if asked.mode is Mode.DRAFT else own.published) if own else None
        if payload is not None:
            return Theirs(key.id, _replacing(payload))
    return None


def _replacing(payload: Mapping[str, Any]) -> dict[str, Any]:
    routing = payload.get("routing")
    strategy = {word: payload.get(word) or {} for word in ("channels", "providers")}
    own = {STRATEGY: {"routing": routing, **strategy}} if routing and routing.get("channels") else {}
    return {"content": payload["content"], **own}
