"""The content of a template's draft, element by element; whatever changes is checked as a whole."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notify.content import identity
from notify.content.check import check
from notify.manage import templates
from notify.manage.templates import Wake
from notify.model.names import World
from notify.store import audit, db
from notify.store import templates as store

VERSION = "2022-01-01"
Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """What was stored: the elements, and whether they are published (or only the draft's)."""

    id: str
    elements: Sequence[Any]
    published: bool


def get(world: World, id_: str, version: str) -> Json:
    """The content of a version: ``published``, ``draft`` or ``v003``.

    Raises:
        NotFound: there is no such template or version.
    """
    _, payload = templates.get(world, id_, version)
    content: Json = payload["content"]
    return content


def put(world: World, id_: str, content: Mapping[str, Any], *, publish: bool, wake: Wake) -> Changed:
    """Replace all elements of the draft; all else of it stays.

    Raises:
        NotFound: there is no such template.
        InvalidRequest: the content is wrong.
        Conflict: the draft waits for approval.
    """
    given = {**content, "version": content.get("version") or VERSION}
    check(given, template=True, at="content")

    def change(stored: Sequence[Any]) -> list[Any]:
        return identity.identified(given["elements"], templates.new_element_id, stored)

    return _change(world, id_, change, "content_replaced", publish=publish, wake=wake)


def put_element(
    world: World, id_: str, element_id: str, element: Json, *, publish: bool, wake: Wake
) -> Changed:
    """Replace one element.

    Raises:
        NotFound: there is no such template, or no such element in its draft.
        InvalidRequest: the content would be wrong.
        Conflict: the draft waits for approval.
    """

    def change(stored: Sequence[Any]) -> list[Any]:
        new = identity.replaced(stored, element_id, {**element, "id": element_id})
        return identity.identified(new, templates.new_element_id, stored)

    return _change(world, id_, change, "element_replaced", publish=publish, wake=wake)


def put_locale(
    world: World, id_: str, locale: str, changes: Sequence[Json], *, publish: bool, wake: Wake
) -> Changed:
    """Merge what elements say in a locale.

    Raises:
        NotFound: there is no such template.
        InvalidRequest: one of the elements is not in its draft, or the content would be wrong.
        Conflict: the draft waits for approval.
    """

    def change(stored: Sequence[Any]) -> list[Any]:
        return identity.localized(stored, locale, changes)

    return _change(world, id_, change, "locale_merged", publish=publish, wake=wake)


def _change(
    world: World,
    id_: str,
    change: Callable[[Sequence[Any]], list[Any]],
    done: str,
    *,
    publish: bool,
    wake: Wake,
) -> Changed:
    with db.begin() as tx:
        stored = templates.unlocked(tx, world, id_)
        content = {**stored.draft["content"]}
        content["elements"] = change(content.get("elements") or [])
        check({"version": VERSION, **content}, template=True, at="content")
        payload = {**stored.draft, "content": content}
        store.replace(tx, id_, stored.alias, payload)
        published, told = templates.release(tx, world, id_, payload) if publish else (False, ())
        after = {"published": published}
        audit.record(tx, f"template.{done}", ("template", id_), world=world, after=after)
    wake(told)
    return Changed(id=id_, elements=content["elements"], published=published)
