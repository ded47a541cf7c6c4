"""Markdown from pieces: inline children of a text, or items of a list, go in; one Markdown text comes out."""

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

from notify.content.fields import Fields
from notify.content.urls import destination
from notify.expression import Escape

Occurrences = Callable[[list[Mapping[str, Any]], Fields], Iterator[Fields]]
"""Children of an element, each as often as its ``if`` and ``loop`` say."""

MAX_LIST_DEPTH = 5

_MARKS = (("strikethrough", "~~"), ("italic", "*"), ("bold", "**"))


def compose(parent: Fields, occurrences: Occurrences) -> str:
    """The inline children of a text, joined without line breaks."""
    pieces = [(_marks(child), _piece(child)) for child in occurrences(parent.children(), parent)]
    # Two bold pieces side by side are one: their marks would meet and mean nothing.
    runs = groupby(pieces, key=lambda piece: piece[0])
    return "".join(_marked("".join(piece for _, piece in run), marks) for marks, run in runs)


def _marks(child: Fields) -> str:
    return "".join(mark for flag, mark in _MARKS if child.flag(flag))


def _marked(content: str, marks: str) -> str:
    # A mark next to a space marks nothing, so spaces stay outside.
    inner = content.strip()
    return content.replace(inner, f"{marks}{inner}{marks[::-1]}", 1) if inner else content


def _piece(child: Fields) -> str:
    builder = _PIECES.get(child.raw("type"))
    if builder is None:
        child.run.warn(child.at, f"a text cannot hold `{child.raw('type')}`; skipped")
        return ""
    return builder(child)


def _link(child: Fields) -> str:
    label, href = child.markdown(), child.link()
    if child.flag("disable_tracking"):
        child.run.untracked.append(destination(href))
    return f"[{label}]({destination(href)})" if href else label


def _image(child: Fields) -> str:
    src, href = child.image(), child.link()
    if not src:
        return ""
    picture = f"![{_label(child.optional('alt_text', 'altText') or '')}]({destination(src)})"
    return f"[{picture}]({destination(href)})" if href else picture


def _label(alt: str) -> str:
    return alt.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


_PIECES: Mapping[Any, Callable[[Fields], str]] = {
    "string": lambda child: child.render("content", Escape.MARKDOWN),
    "link": _link,
    "img": _image,
}


def compose_list(parent: Fields, occurrences: Occurrences, depth: int = 1) -> str:
    """The items of a list as a Markdown list, nested lists indented below their item."""
    ordered = parent.raw("list_type") == "ordered"
    lines = []
    items = (item for item in occurrences(parent.children(), parent) if item.raw("type") == "list-item")
    for number, item in enumerate(items, start=1):
        marker = f"{number}. " if ordered else "- "
        lines.append(marker + _item(item, occurrences, depth).replace("\n", "\n" + " " * len(marker)))
    return "\n".join(lines)


def _item(item: Fields, occurrences: Occurrences, depth: int) -> str:
    if "content" in item:
        return item.markdown()
    nested = any(child.get("type") == "list-item" for child in item.children())
    if not nested:
        return compose(item, occurrences)
    return "\n" + compose_list(item, occurrences, depth + 1) if depth < MAX_LIST_DEPTH else ""
