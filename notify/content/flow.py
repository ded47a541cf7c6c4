"""Control flow: an author's elements go in, the resolved elements that are to be shown come out, in order.

``loop`` repeats, ``if`` chooses (per item inside a loop), ``ref`` names an element for those after it, and
containers dissolve into their children, to which they pass on their ``channels`` and their place in columns.
"""

from collections.abc import Iterator, Mapping
from dataclasses import fields as dataclass_fields
from dataclasses import replace
from typing import Any

from notify.content.elements import BUILDERS, Leaf, column, text
from notify.content.fields import Fields, Run
from notify.content.inline import compose, compose_list
from notify.errors import ContentError
from notify.expression import Scope, evaluate_within, lookup
from notify.model.document import Cell, Channels

SILENT = frozenset({"comment"})
MAX_COLUMNS = 12
"""Side by side; what is in more stands below them."""
_COLUMN_BYTES = 100


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
    if kind in _CONTAINERS:
        yield from _CONTAINERS[kind](fields, channels)
    elif leaf := _leaf(kind, fields, channels):
        yield leaf


def _group(fields: Fields, channels: Channels) -> list[Leaf]:
    return flow(fields.children(), fields.scope, fields.run, f"{fields.at}.elements", channels)


def _columns(fields: Fields, channels: Channels) -> list[Leaf]:
    run = fields.run
    outer, run.row = run.row, []
    children = [one if one.get("type") == "column" else _alone(one) for one in fields.children()]
    leaves = flow(children, fields.scope, run, f"{fields.at}.elements", channels)
    row, run.row = tuple(run.row), outer
    run.rows += 1
    # Every leaf carries them all, and a loop makes many leaves.
    run.budget.fits(len(leaves) * len(row) * _COLUMN_BYTES)
    place = Cell(row=run.rows, column=0, columns=row, gap=fields.length("gap"))
    return [
        replace(leaf, cell=replace(place, column=leaf.cell.column)) if leaf.cell else leaf for leaf in leaves
    ]


def _alone(element: Mapping[str, Any]) -> dict[str, Any]:
    """What stands between columns is one itself."""
    return {"type": "column", "elements": [element]}


def _column(fields: Fields, channels: Channels) -> list[Leaf]:
    row = fields.run.row
    if row is None or len(row) == MAX_COLUMNS:
        return _group(fields, channels)
    cell = Cell(row=0, column=len(row), columns=())
    row.append(column(fields))
    # Columns inside a column stand one below the other: mail programs have no room for them.
    return [replace(leaf, cell=cell) for leaf in _group(fields, channels)]


_CONTAINERS = {"group": _group, "columns": _columns, "column": _column}


def _leaf(kind: Any, fields: Fields, channels: Channels) -> Leaf | None:
    if kind == "text":
        return text(fields, channels, None if "content" in fields else compose(fields, _children))
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
    names = (item.name for item in dataclass_fields(element) if item.name not in {"cell", "items", "spans"})
    return {name: getattr(element, name) for name in names}
