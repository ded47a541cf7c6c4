"""Brands: create, read, replace, delete, and which one is the default."""

from collections.abc import Sequence
from typing import Any

from notify import ids
from notify.content import brand as content
from notify.errors import Conflict, InvalidRequest, NotFound
from notify.model.names import World
from notify.pipeline.rendering import limits
from notify.store import audit, brands, db
from notify.store.brands import Brand

Json = dict[str, Any]
MAX_SNIPPETS = 200
_COLORS = ("primary", "secondary")


def create(world: World, id_: str | None, *, name: str, settings: Json, snippets: Json) -> Brand:
    """Create a brand; the first of a world is its default.

    Raises:
        InvalidRequest: something in it is wrong.
        Conflict: the id is taken.
    """
    _check(settings, snippets)
    id_ = id_ or ids.new().hex
    with db.begin() as tx:
        brands.hold(tx, world)
        first = not brands.has_default(tx, world)
        brands.create(tx, world, id_, default=first, name=name, settings=settings, snippets=snippets)
        created = _get(tx, world, id_)
        _record(tx, "created", created)
        return created


def replace(world: World, id_: str, *, name: str, settings: Json, snippets: Json) -> Brand:
    """Replace all of a brand.

    Raises:
        NotFound: there is no such brand.
        InvalidRequest: something in it is wrong.
    """
    with db.begin() as tx:
        before = _get(tx, world, id_, lock=True)
        _check(settings, snippets)
        brands.replace(tx, world, id_, name=name, settings=settings, snippets=snippets)
        replaced = _get(tx, world, id_)
        _record(tx, "replaced", replaced, before=_told(before))
        return replaced


def put(world: World, id_: str, *, name: str, settings: Json, snippets: Json) -> Brand:
    """Replace the brand with this id, or create it.

    Raises:
        InvalidRequest: something in it is wrong.
    """
    try:
        return replace(world, id_, name=name, settings=settings, snippets=snippets)
    except NotFound:
        return create(world, id_, name=name, settings=settings, snippets=snippets)


def make_default(world: World, id_: str) -> Brand:
    """Have everything that names no brand wear this one.

    Raises:
        NotFound: there is no such brand.
    """
    with db.begin() as tx:
        brands.hold(tx, world)
        _get(tx, world, id_, lock=True)
        brands.make_default(tx, world, id_)
        chosen = _get(tx, world, id_)
        _record(tx, "made_default", chosen)
        return chosen


def get(world: World, id_: str) -> Brand:
    """One brand.

    Raises:
        NotFound: there is none with this id.
    """
    with db.begin() as tx:
        return _get(tx, world, id_)


def find(world: World, *, after: str | None, limit: int) -> Sequence[Brand]:
    """At most ``limit``, by id."""
    with db.begin() as tx:
        return brands.find(tx, world, after=after, limit=limit)


def delete(world: World, id_: str) -> None:
    """Delete a brand; what names it is sent without one.

    Raises:
        NotFound: there is no such brand.
        Conflict: it is the default.
    """
    with db.begin() as tx:
        brands.hold(tx, world)
        stored = _get(tx, world, id_, lock=True)
        if stored.is_default:
            raise Conflict("The default brand cannot be deleted; make another one the default first.")
        brands.delete(tx, world, id_)
        _record(tx, "deleted", stored)


def _check(settings: Json, snippets: Json) -> None:
    if colors := settings.get("colors"):
        for name in _COLORS:
            if not colors.get(name):
                raise InvalidRequest(f"settings.colors.{name}: Field required")
    items = snippets.get("items") or []
    if len(items) > MAX_SNIPPETS:
        raise InvalidRequest(f"snippets.items: there may be at most {MAX_SNIPPETS}")
    if len({item["name"] for item in items}) < len(items):
        raise InvalidRequest("snippets.items: each name may be there once")
    content.check(settings, snippets, limits())


def _get(tx: db.Tx, world: World, id_: str, *, lock: bool = False) -> Brand:
    found = brands.get(tx, world, id_, lock=lock)
    if found is None:
        raise NotFound(f"Brand {id_!r} does not exist.")
    return found


def _told(brand: Brand) -> Json:
    return {"name": brand.name, "colors": brand.settings.get("colors"), "default": brand.is_default}


def _record(tx: db.Tx, done: str, brand: Brand, before: Json | None = None) -> None:
    audit.record(
        tx, f"brand.{done}", ("brand", brand.id), world=brand.world, before=before, after=_told(brand)
    )
