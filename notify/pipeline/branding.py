"""Whose brand a message wears: what names one in, the strongest first; the brands themselves out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from uuid import UUID

from notify.content import brand as content
from notify.content.names import names
from notify.errors import InvalidRequest
from notify.expression import Limits
from notify.model import wire
from notify.model.document import Frame
from notify.model.names import World
from notify.recipients.resolve import deep_merge
from notify.store import brands, db
from notify.store.brands import Brand

Json = Mapping[str, Any]


class Asked(NamedTuple):
    """``id``: None for the default brand. ``bare``: for none at all. ``patch``: of this send only."""

    world: World
    id: str | None
    bare: bool = False
    patch: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Dress:
    """A brand as one message wears it."""

    id: str | None
    name: str | None
    settings: dict[str, Any]
    snippets: dict[str, str] = field(default_factory=dict)

    @property
    def variables(self) -> dict[str, Any]:
        """What templates see as ``brand``."""
        return {**self.settings, "id": self.id, "name": self.name}

    def frame(self, variables: Json, *, strict: bool, limits: Limits) -> Frame:
        """How it dresses the message's email.

        Raises:
            ContentError: something in it cannot be rendered.
        """
        found = names({**variables, "brand": self.variables}, strict=strict)
        return content.frame(self.settings, found, self.snippets, limits, self.name)


def named(body: Json) -> list[str]:
    """The brands that a send names, the strongest first."""
    email = (body.get("channels") or {}).get("email") or {}
    return [id_ for id_ in (email.get("brand_id"), body.get("brand_id")) if id_]


def refusal(tx: db.Tx, world: World, message: wire.SendMessage) -> InvalidRequest | None:
    """Why this send is refused: it names a brand that is not there. Costs a cached look, and only then."""
    for place, id_ in wire.brands(message).items():
        if not brands.exists(tx, world, id_):
            return InvalidRequest(f"{place}: brand {id_!r} does not exist")
    return None


def asked(world: World, body: Json, tenants: str | None, payload: Json | None) -> Asked:
    """``body``: of the send. ``tenants``: the brand of the nearest tenant. ``payload``: the template's."""
    email = (body.get("channels") or {}).get("email") or {}
    patch = (email.get("override") or {}).get("brand")
    patch = patch.get("settings", patch) if isinstance(patch, Mapping) else None
    if ids := [*named(body), *([tenants] if tenants else [])]:
        return Asked(world, ids[0], patch=patch)
    if payload and "brand" in payload:
        own = payload["brand"]
        return Asked(world, own["id"], patch=patch) if own else Asked(world, None, bare=True, patch=patch)
    return Asked(world, None, patch=patch)


def load(tx: db.Tx, wanted: Mapping[UUID, Asked]) -> dict[UUID, Dress]:
    """By message id; one that wears nothing is left out, as one whose brand is gone."""
    worn = [one for one in wanted.values() if not one.bare]
    names = {(one.world, one.id) for one in worn} | {(one.world, None) for one in worn}
    found = brands.sendable(tx, names) if names else {}
    return {id_: dress for id_, one in wanted.items() if (dress := _dress(one, found))}


def _dress(one: Asked, found: Mapping[brands.Name, Brand]) -> Dress | None:
    own = None if one.bare else found.get((one.world, one.id))
    if own is None and one.patch is None:
        return None
    default = found.get((one.world, None))
    settings = content.effective(own.settings, default.settings if default else None) if own else {}
    return Dress(
        id=own.id if own else None,
        name=own.name if own else None,
        settings=deep_merge(settings, one.patch),
        snippets=content.snippets(default.snippets if default else None, own.snippets) if own else {},
    )
