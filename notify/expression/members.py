"""Reading members: a value and a key go in, the member or MISSING comes out; never a Python attribute."""

import re
from collections.abc import Mapping
from typing import Any

from jinja2.runtime import LoopContext

from notify.errors import ContentError
from notify.expression.scope import ROOT, as_scope
from notify.expression.values import MISSING, absent

LOOP_MEMBERS = frozenset(
    {"index", "index0", "revindex", "revindex0", "first", "last", "length", "depth", "previtem", "nextitem"}
)

_STEP = re.compile(r"""\.?(?:([^\W\d]\w*)|(\d+)|\[(\d+)\]|\[(?:"([^"]*)"|'([^']*)')\])""")


def member(value: Any, key: Any) -> Any:
    """A key of an object, an index of a list, or the ``length`` of a list or text; else MISSING.

    Raises:
        ContentError: the key is one of Python's own names, such as ``__class__``.
    """
    if isinstance(value, Mapping):
        return _key(value, key)
    if isinstance(key, str):
        return _named(value, key)
    if isinstance(value, list | tuple | str) and type(key) is int and -len(value) <= key < len(value):
        return value[key]
    return MISSING


def _key(value: Mapping[str, Any], key: Any) -> Any:
    try:
        return value.get(key, MISSING)
    except TypeError:  # an object or a list for a key
        return MISSING


def _named(value: Any, name: str) -> Any:
    if name.startswith("__"):
        raise ContentError(f"`{name}` is not a member a template can read")
    if name == "length" and isinstance(value, list | tuple | str):
        return len(value)
    if isinstance(value, LoopContext) and name in LOOP_MEMBERS:
        return getattr(value, name)
    return MISSING


def lookup(path: str, variables: Mapping[str, Any]) -> Any:
    """What a path such as ``data.items``, ``$.item.children``, ``{{items}}`` or ``data["a-b"][0]`` leads to.

    Returns:
        The value, None when there is none.

    Raises:
        ContentError: it is no path.
    """
    value: Any = as_scope(variables)
    for key in _steps(path):
        value = member(value, key)
    return None if absent(value) else value


def _steps(path: str) -> list[str | int]:
    inner = path.strip().removeprefix("{{").removesuffix("}}").strip()
    keys: list[str | int] = []
    if inner.startswith("$"):
        keys, inner = [ROOT], inner[1:]
    position = 0
    while position < len(inner):
        step = _STEP.match(inner, position)
        if step is None:
            break
        name, *indexes, quoted, single = step.groups()
        index = next(filter(None, indexes), None)
        keys.append(int(index) if index else name or quoted or single or "")
        position = step.end()
    if position < len(inner) or not keys:
        raise ContentError(f"`{path[:100]}` is not a path; write one like `data.items`")
    return keys
