"""Control flow: an author's elements go in, the resolved elements that are to be shown come out, in order.

``loop`` repeats, ``if`` chooses (per item inside a loop), ``ref`` names an element for those after it, and
containers dissolve into their children, to which they pass on their ``channels``.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields as dataclass_fields
from typing import Any

from notify.content.elements import BUILDERS, Leaf, text
from notify.content.fields import Fields, Run
from notify.content.inline import compose, compose_list
from notify.errors import ContentError
from notify.expression import Scope, evaluate_within, lookup
from notify.model.document import Channels

CONTAINERS = frozenset({"group", "columns", "column"})
SILENT = frozenset({"comment"})


def flow(elements: list[Any], scope: Scope, run: Run, at: str, channels: Channels = None) -> list[Leaf]:
    """Everything these elements show.

    Raises:
        ContentError: one cannot be rendered, or all together exceed the limits.
    """
    shown: list[Leaf] = []
    for index, element in enumerate(elements):
        if isinstance(element, Mapping):
            shown.extend(_element(element, scope, run, f"{at}[{index}]", channels))
    return shown


def _element(
    element: Mapping[str, Any], scope: Scope, run: Run, at: str, channels: Channels
) -> Iterator[Leaf]:
    limited = narrowed(channels, element.get("channels"))
    visible, last = False, None
    for inner in occurrences(element, scope, run, at):
        visible = True
        for last in _built(Fields(element, inner, run, at), limited):
            yield last
    if name := element.get("ref"):
        run.refs[str(name)] = {**_properties(last), "visible": visible}


def _built(fields: Fields, channels: Channels) -> Iterator[Leaf]:
    kind = fields.raw("type")
    if kind in CONTAINERS:
        yield from flow(fields.children(), fields.scope, fields.run, f"{fields.at}.elements", channels)
    elif leaf := _leaf(kind, fields, channels):
        yield leaf


def _leaf(kind: Any, fields: Fields, channels: Channels) -> Leaf | None:
    if kind == "text":
        composed = compose(fields, _children) if "content" not in fields else None
        return text(fields, channels, composed)
    if kind == "list":
        return text(fields, channels, compose_list(fields, _children))
    if kind in BUILDERS:
        return BUILDERS[kind](fields, channels)
    if kind not in SILENT:
        fields.run.warn(fields.at, f"there is no element type `{kind}` here; skipped")
    return None


def occurrences(element: Mapping[str, Any], scope: Scope, run: Run, at: str) -> Iterator[Scope]:
    """The scope of each time an element is shown: once, never, or once per item of its loop."""
    scopes = _looped(element["loop"], scope, run, at) if element.get("loop") else iter((scope,))
    condition = element.get("if")
    return scopes if condition is None else (inner for inner in scopes if _holds(condition, inner, run, at))


def _looped(path: Any, scope: Scope, run: Run, at: str) -> Iterator[Scope]:
    try:
        items = lookup(str(path), scope)
    except ContentError as error:
        run.warn(f"{at}.loop", f"{error}; not shown")
        return
    for index, item in enumerate(items if isinstance(items, list | tuple) else ()):
        run.budget.step()
        yield scope.bind(item=item, index=index)


def _holds(condition: Any, scope: Scope, run: Run, at: str) -> bool:
    if isinstance(condition, bool):
        return condition
    try:
        return evaluate_within(str(condition), scope, run.budget)
    except ContentError as error:
        run.warn(f"{at}.if", f"{error}; not shown")
        return False


def _children(elements: list[Mapping[str, Any]], parent: Fields) -> Iterator[Fields]:
    for index, element in enumerate(elements):
        at = f"{parent.at}.elements[{index}]"
        for inner in occurrences(element, parent.scope, parent.run, at):
            yield Fields(element, inner, parent.run, at)


def narrowed(outer: Channels, own: Any) -> Channels:
    """What an element's ``channels`` leave of its container's."""
    if not isinstance(own, list):
        return outer
    names = tuple(str(name) for name in own)
    return names if outer is None else tuple(name for name in outer if name in names)


def _properties(element: Leaf | None) -> dict[str, Any]:
    if element is None:
        return {}
    return {item.name: getattr(element, item.name) for item in dataclass_fields(element)}
