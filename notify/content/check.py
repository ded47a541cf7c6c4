"""Refuses malformed content when it is accepted: JSON goes in, nothing comes out, or the first problem."""

from collections.abc import Mapping
from typing import Any

from notify.content import snippets
from notify.errors import ContentError, InvalidRequest
from notify.expression import check as check_template

MAX_ELEMENTS = 500
MAX_DEPTH = 10
MAX_STRING_BYTES = 256 * 1024

REQUIRED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "action": (("content",), ("href",)),
    "channel": (("channel",), ("elements", "raw")),
    "column": (),
    "columns": (),
    "comment": (),
    "divider": (),
    "group": (("elements",),),
    "html": (("content",),),
    "image": (("src",),),
    "img": (("src",),),
    "link": (("content",),),
    "list": (),
    "list-item": (),
    "meta": (),
    "quote": (("content",),),
    "string": (("content",),),
    "text": (("content", "elements"),),
}
"""Per type, the fields it needs; of several in one group, any."""

UNSUPPORTED = {
    "jsonnet": "put the provider's payload into `raw` of a channel block",
    "partial": "put its elements in place",
}

TEMPLATED = ("content", "title", "href", "src", "alt_text", "altText", "imgSrc", "imgHref")
_STRINGS = (*TEMPLATED, "loop", "ref", "type", "channel")


def check(content: Any, *, template: bool, at: str = "message.content") -> None:
    """Looks through an author's content.

    Args:
        content: what came as JSON.
        template: templates refuse what a send skips: unknown types, and the short form.
        at: the path of ``content`` in the request.

    Raises:
        InvalidRequest: something is wrong; the text names its path.
    """
    root = _object(content, at)
    _check_root(root, template, at)
    inspection = _Inspection(template)
    inspection.strings(root, at)
    elements = [] if root.get("elements") is None else _list(root["elements"], f"{at}.elements")
    _check_blocks(elements, f"{at}.elements")
    inspection.elements(elements, f"{at}.elements", 1)


def _check_root(root: Mapping[str, Any], template: bool, at: str) -> None:
    short = [key for key in ("title", "body") if root.get(key) is not None]
    if template and (short or "version" not in root):
        raise InvalidRequest(f"{at}.version is required: a template's content is `{{version, elements}}`")
    if not isinstance(root.get("version", ""), str):
        raise InvalidRequest(f"{at}.version must be a string")
    if root.get("scope") not in (None, "default", "strict"):
        raise InvalidRequest(f"{at}.scope must be `default` or `strict`")
    if root.get("elements") is None and not short:
        raise InvalidRequest(f"{at} needs `elements`, or `title` and `body`")
    for key in short:
        _check_source(root[key], f"{at}.{key}")


def _check_blocks(elements: list[Any], at: str) -> None:
    kinds = [element.get("type") == "channel" for element in elements if isinstance(element, Mapping)]
    if any(kinds) and not all(kinds):
        raise InvalidRequest(f"{at}[{kinds.index(False)}] must be a channel element, as its neighbours are")


class _Inspection:
    """One walk over all elements, counting them."""

    def __init__(self, template: bool) -> None:
        self._template = template
        self._count = 0

    def elements(self, elements: list[Any], at: str, depth: int) -> None:
        if elements and depth > MAX_DEPTH:
            raise InvalidRequest(f"{at} is nested deeper than {MAX_DEPTH} levels")
        for index, element in enumerate(elements):
            self._element(_object(element, f"{at}[{index}]"), f"{at}[{index}]", depth)

    def _element(self, element: Mapping[str, Any], at: str, depth: int) -> None:
        self._count += 1
        if self._count > MAX_ELEMENTS:
            raise InvalidRequest(f"{at}: there may be at most {MAX_ELEMENTS} elements")
        kind = element.get("type")
        if not isinstance(kind, str) or not kind:
            raise InvalidRequest(f"{at}.type is required and must be a string")
        if kind == "channel" and depth > 1:
            raise InvalidRequest(f"{at}: a channel element must stand at the top; channels never nest")
        if self._known(kind, at):
            _check_fields(element, kind, at)
            self.elements(element.get("elements") or [], f"{at}.elements", depth + 1)
            for locale, said in (element.get("locales") or {}).items():
                self._locale(_object(said, f"{at}.locales.{locale}"), f"{at}.locales.{locale}", depth)

    def _locale(self, said: Mapping[str, Any], at: str, depth: int) -> None:
        """What an element says in a locale stands in its place, and is bound by the same rules."""
        _check_shapes(said, at)
        if said.get("raw") is not None:
            _check_raw(_object(said["raw"], f"{at}.raw"), f"{at}.raw")
        self.elements(said.get("elements") or [], f"{at}.elements", depth + 1)

    def _known(self, kind: str, at: str) -> bool:
        if kind in UNSUPPORTED:
            raise InvalidRequest(f"{at}.type `{kind}` is not supported; {UNSUPPORTED[kind]}")
        if kind not in REQUIRED and self._template:
            raise InvalidRequest(f"{at}.type `{kind[:50]}` is not an element type")
        return kind in REQUIRED

    def strings(self, value: Any, at: str) -> None:
        """Every text, however deep, is within bounds."""
        pending = [(value, at)]
        while pending:
            item, path = pending.pop()
            if isinstance(item, str) and len(item.encode(errors="replace")) > MAX_STRING_BYTES:
                raise InvalidRequest(f"{path} is longer than {MAX_STRING_BYTES} bytes")
            if isinstance(item, Mapping):
                pending.extend((child, f"{path}.{key}") for key, child in item.items())
            elif isinstance(item, list):
                pending.extend((child, f"{path}[{index}]") for index, child in enumerate(item))


def _check_fields(element: Mapping[str, Any], kind: str, at: str) -> None:
    for group in REQUIRED[kind]:
        if all(element.get(key) is None for key in group):
            raise InvalidRequest(f"{at}.{' or '.join(group)} is required")
    _check_shapes(element, at)
    _check_texts(element, at)
    if element.get("raw") is not None:
        _check_raw(_object(element["raw"], f"{at}.raw"), f"{at}.raw")


_SHAPES: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "elements": (list, "a list"),
    "channels": (list, "a list of channels"),
    "if": ((str, bool), "a string"),
    "locales": (Mapping, "an object"),
    **dict.fromkeys(_STRINGS, (str, "a string")),
}


def _check_shapes(element: Mapping[str, Any], at: str) -> None:
    for key, (shape, name) in _SHAPES.items():
        value = element.get(key)
        if value is not None and not isinstance(value, shape):
            raise InvalidRequest(f"{at}.{key} must be {name}")
    for index, channel in enumerate(element.get("channels") or []):
        if not isinstance(channel, str):
            raise InvalidRequest(f"{at}.channels[{index}] must be a string")


def _check_texts(element: Mapping[str, Any], at: str) -> None:
    for key in TEMPLATED:
        if element.get(key) is not None:
            _check_source(element[key], f"{at}.{key}")
    for locale, fields in (element.get("locales") or {}).items():
        _check_texts(_object(fields, f"{at}.locales.{locale}"), f"{at}.locales.{locale}")


def _check_raw(raw: Mapping[str, Any], at: str) -> None:
    transformers = raw.get("transformers")
    if isinstance(transformers, list) and "handlebars" not in transformers:
        return
    pending: list[tuple[Any, str]] = [(raw, at)]
    while pending:
        value, path = pending.pop()
        if isinstance(value, str):
            _check_source(value, path)
        elif isinstance(value, Mapping):
            pending.extend((item, f"{path}.{key}") for key, item in value.items())
        elif isinstance(value, list):
            pending.extend((item, f"{path}[{index}]") for index, item in enumerate(value))


def _check_source(source: Any, at: str) -> None:
    if not isinstance(source, str):
        raise InvalidRequest(f"{at} must be a string")
    try:
        check_template(snippets.without(source))
    except ContentError as error:
        raise InvalidRequest(f"{at}: {error}") from None


def _object(value: Any, at: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidRequest(f"{at} must be an object")
    return value


def _list(value: Any, at: str) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidRequest(f"{at} must be a list")
    return value
