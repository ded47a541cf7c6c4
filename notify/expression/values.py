"""How a value is printed: JSON values go in, text comes out, escaped for where it will stand."""

import json
import re
from collections.abc import Callable, Mapping
from enum import Enum
from html import escape as html_escape
from typing import Any

from jinja2 import Undefined

from notify.errors import ContentError


class Escape(Enum):
    """Where a rendered text will stand, and so what its values must not be able to become."""

    PLAIN = "plain"
    MARKDOWN = "markdown"
    HTML = "html"


class Missing(Undefined):
    """A variable that is not there: false, empty, and so are its members."""


class Trusted(str):
    """Text the author declared ``safe``: printed without escaping."""

    __slots__ = ()


MISSING = Missing()


def absent(value: Any) -> bool:
    """Is it null or missing?"""
    return value is None or isinstance(value, Undefined)


def is_number(value: Any) -> bool:
    """JSON's numbers; ``true`` is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def text(value: Any) -> str:
    """A value as people read it: numbers plainly, objects and lists as JSON, nothing as nothing.

    Raises:
        ContentError: it is not a JSON value.
    """
    if isinstance(value, str):
        return value
    if absent(value):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _decimal(value)
    return str(value) if isinstance(value, int) else to_json(value)


def _decimal(value: float) -> str:
    # Up to 2**53 an integral float is exact, and people write it without its ".0".
    return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)


def to_json(value: Any, indent: int | None = None) -> str:
    """A value as JSON; compact unless ``indent`` is given. Raises ContentError for other than JSON."""
    separators = (",", ": ") if indent else (",", ":")
    return json.dumps(value, ensure_ascii=False, indent=indent, separators=separators, default=_foreign)


def _foreign(value: Any) -> Any:
    if absent(value):
        return None
    if isinstance(value, Mapping):
        return dict(value)
    raise ContentError(f"a {type(value).__name__} cannot be printed")


_ALWAYS = re.compile(r"[\\`*\[\]()<>~|]|(?<![^\W_])_|_(?![^\W_])|&(?=#?\w*(?:;|$))|!$")
_LINE_START = re.compile(r"^([ \t]*)(?:([-+=#:])|(\d{1,9})(\.)(?=\s|$))?", re.MULTILINE)
_LINE_END = re.compile(r"\r\n?")
_SIGNIFICANT = re.compile(r"[\\`*\[\]()<>~|_&!\-+=#:.\t\r]|^ ", re.MULTILINE)


def escape_markdown(value: str) -> str:
    """A value that reads the same and forms no Markdown, wherever it is put in a text.

    Characters that only matter in some places are escaped only there, so that addresses, dates and
    ordinary sentences stay readable where Markdown is shown as it is.
    """
    if not _SIGNIFICANT.search(value):
        return value
    lines = _LINE_END.sub("\n", value)
    return _LINE_START.sub(_escape_start, _ALWAYS.sub(r"\\\g<0>", lines))


def _escape_start(match: re.Match[str]) -> str:
    indent, mark, number, dot = match.groups(default="")
    # Enough of an indent makes code of a line: a space written as an entity indents nothing.
    indent = f"&#32;{indent[1:]}" if len(indent) > 1 or indent == "\t" else indent
    mark = f"\\{mark or dot}" if mark or dot else ""
    return f"{indent}{number}{mark}"


_ESCAPERS: Mapping[Escape, Callable[[str], str]] = {
    Escape.PLAIN: str,
    Escape.MARKDOWN: escape_markdown,
    Escape.HTML: html_escape,
}


def escaped(value: Any, escape: Escape) -> str:
    """A value printed and escaped; what the author declared safe is printed only."""
    return str(value) if isinstance(value, Trusted) else _ESCAPERS[escape](text(value))
