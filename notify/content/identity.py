"""Elements by their ids: an author's elements in; ids, checksums, and elements changed one by one out.

A checksum is of what is translated: equal checksums, nothing to translate anew.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import md5
from typing import Any

from notify.errors import InvalidRequest, NotFound

Element = dict[str, Any]
_TRANSLATED = ("content", "title", "href", "src", "alt_text", "altText", "imgSrc", "imgHref", "raw")


def identified(elements: Sequence[Any], new_id: Callable[[], str], stored: Sequence[Any] = ()) -> list[Any]:
    """The elements, each with an id of its own; one that has kept its id keeps its locales, too."""
    locales = {one["id"]: one["locales"] for one in walk(stored) if one.get("id") and one.get("locales")}
    return _identified(elements, new_id, locales, set())


def _identified(
    elements: Sequence[Any], new_id: Callable[[], str], locales: Mapping[str, Any], seen: set[str]
) -> list[Any]:
    return [_one(one, new_id, locales, seen) if isinstance(one, dict) else one for one in elements]


def _one(element: Element, new_id: Callable[[], str], locales: Mapping[str, Any], seen: set[str]) -> Element:
    id_ = element.get("id")
    if id_ is not None and (not isinstance(id_, str) or not 0 < len(id_) <= 255):
        raise InvalidRequest("An element's id must be text of 1 to 255 characters")
    if id_ in seen:
        raise InvalidRequest(f"The element id {id_!r} is there twice")
    found = {**element, "id": id_ or new_id()}
    seen.add(found["id"])
    if id_ is not None and id_ in locales and "locales" not in element:
        found["locales"] = locales[id_]
    if isinstance(children := element.get("elements"), list):
        found["elements"] = _identified(children, new_id, locales, seen)
    return found


def walk(elements: Sequence[Any]) -> Iterator[Element]:
    """All elements in order, those inside others too."""
    pending = list(reversed(elements))
    while pending:
        one = pending.pop()
        if isinstance(one, dict):
            yield one
            children = one.get("elements")
            pending.extend(reversed(children if isinstance(children, list) else []))


def checksum(fields: Mapping[str, Any]) -> str:
    """MD5 of the translated fields of an element, or of one of its locales, as canonical JSON."""
    said = {key: fields[key] for key in _TRANSLATED if fields.get(key) is not None}
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return md5(canonical.encode(errors="replace"), usedforsecurity=False).hexdigest()


def with_checksums(elements: Sequence[Any]) -> list[Element]:
    """The elements with their checksums, and those of their locales."""
    return [_with_checksum(one) for one in elements if isinstance(one, dict)]


def _with_checksum(element: Element) -> Element:
    found = {**element, "checksum": checksum(element)}
    if isinstance(locales := element.get("locales"), dict):
        found["locales"] = {
            name: {**fields, "checksum": checksum(fields)}
            for name, fields in locales.items()
            if isinstance(fields, dict)
        }
    if isinstance(children := element.get("elements"), list):
        found["elements"] = with_checksums(children)
    return found


def checksums(elements: Sequence[Any]) -> list[dict[str, str]]:
    """Id and checksum of every element, in order."""
    return [{"id": one["id"], "checksum": checksum(one)} for one in walk(elements) if one.get("id")]


def replaced(elements: Sequence[Any], id_: str, new: Element) -> list[Any]:
    """The elements with ``new`` in the place of the one with this id.

    Raises:
        NotFound: there is none with this id.
    """
    if all(one.get("id") != id_ for one in walk(elements)):
        raise NotFound(f"Element {id_!r} does not exist.")
    return _changed(elements, lambda one: new if one.get("id") == id_ else one)


def localized(elements: Sequence[Any], locale: str, changes: Sequence[Mapping[str, Any]]) -> list[Any]:
    """The elements with these fields in a locale, merged into those they have in it.

    Raises:
        InvalidRequest: a change is of an element that is not there.
    """
    known = {one.get("id") for one in walk(elements)}
    by_id = {str(one["id"]): {key: value for key, value in one.items() if key != "id"} for one in changes}
    if unknown := [id_ for id_ in by_id if id_ not in known]:
        raise InvalidRequest(f"elements: there is no element {unknown[0]!r}")

    def change(one: Element) -> Element:
        if (fields := by_id.get(str(one.get("id")))) is None:
            return one
        locales = one.get("locales") or {}
        return {**one, "locales": {**locales, locale: {**(locales.get(locale) or {}), **fields}}}

    return _changed(elements, change)


def _changed(elements: Sequence[Any], change: Callable[[Element], Element]) -> list[Any]:
    return [_inside(change(one), change) if isinstance(one, dict) else one for one in elements]


def _inside(element: Element, change: Callable[[Element], Element]) -> Element:
    children = element.get("elements")
    return {**element, "elements": _changed(children, change)} if isinstance(children, list) else element
