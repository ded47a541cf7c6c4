"""From what authors write to what Jinja reads: ``$.`` becomes the root, Handlebars is recognised.

In: a source. Out: the same source, line by line, in Jinja's syntax; ContentError for Handlebars syntax, with
the line and what to write instead.
"""

import re
from collections.abc import Iterator

from notify.errors import ContentError
from notify.expression import handlebars
from notify.expression.scope import ROOT

MAX_SOURCE = 256 * 1024
MAX_CODE = 32 * 1024
"""Of a source, how many characters may stand between tag marks: parsing takes its time by them."""

STRING = r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\''

_OPEN = re.compile(r"\{\{|\{%|\{#|\{\$\.(\w+(?:\.\w+)*)\}")
_INSIDE = re.compile(rf"{STRING}|\{{|%\}}|\}}\}}|\}}", re.DOTALL)
_VAR = re.compile(r"""\{\{\s*var\s+["']([A-Za-z_$][\w.$]*)["']\s*\}\}""")
_MARKDOWN = re.compile(r"\{\{~?\s*([#/])\s*markdown\s*~?\}\}")
_FILTER = {"#": "{% filter markdown %}", "/": "{% endfilter %}"}
_DOLLAR = re.compile(rf"({STRING})|\$(?!\w)", re.DOTALL)
_RAW = re.compile(r"\{%[-+]?\s*raw\s*[-+]?%\}")
_END_RAW = re.compile(r"\{%[-+]?\s*endraw\s*[-+]?%\}")


def has_tags(source: str) -> bool:
    """Is there anything to render?"""
    return "{" in source and any(mark in source for mark in ("{{", "{%", "{#", "{$."))


def prepare(source: str) -> str:
    """The source in Jinja's syntax. Raises ContentError, with the line."""
    return "".join(_pieces(source))


def _pieces(source: str) -> Iterator[str]:
    position = code = 0
    while opening := _OPEN.search(source, position):
        yield source[position : opening.start()]
        position = _tag_end(source, opening)
        tag = source[opening.start() : position]
        code += len(tag)
        if code > MAX_CODE:
            raise ContentError(f"a template's tags are at most {MAX_CODE} characters together")
        if opening[1]:
            yield f"{{{{{ROOT}.{opening[1]}}}}}"
        elif tag.startswith("{#") or _RAW.fullmatch(tag):
            position = position if tag.startswith("{#") else _after(source, _END_RAW, position)
            yield source[opening.start() : position]
        else:
            # What of Handlebars says no more than its name does, and the block that Jinja has, too.
            tag = _VAR.sub(r"{{\1}}", tag)
            tag = _MARKDOWN.sub(lambda found: _FILTER[found[1]], tag)
            if advice := handlebars.advice(tag):
                raise ContentError(f"line {source.count(chr(10), 0, opening.start()) + 1}: {advice}")
            yield _DOLLAR.sub(lambda found: found[1] or ROOT, tag)
    yield source[position:]


def _tag_end(source: str, opening: re.Match[str]) -> int:
    if opening[1]:
        return opening.end()
    if opening[0] == "{#":
        end = source.find("#}", opening.end())
        return end + 2 if end >= 0 else len(source)
    closing, depth = ("}}" if opening[0] == "{{" else "%}"), 0
    for token in _INSIDE.finditer(source, opening.end()):
        if depth == 0 and token[0] == closing:
            return token.end() + (source[opening.end()] == "{" and source.startswith("}", token.end()))
        depth = max(0, depth + {"{": 1, "}": -1, "}}": -2}.get(token[0], 0))
    return len(source)


def _after(source: str, end: re.Pattern[str], position: int) -> int:
    found = end.search(source, position)
    return found.end() if found else len(source)
