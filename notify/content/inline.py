"""Markdown from pieces: inline children of a text, or items of a list, go in; one Markdown text comes out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import groupby
from typing import Any

from notify.content.fields import Fields
from notify.content.urls import destination
from notify.expression import Escape
from notify.model.document import Item

Occurrences = Callable[[list[Mapping[str, Any]], Fields], Iterator[Fields]]
"""Children of an element, each as often as its ``if`` and ``loop`` say."""

MAX_LIST_DEPTH = 5

_MARKS = (("strikethrough", "~~"), ("italic", "*"), ("bold", "**"))


def compose(parent: Fields, occurrences: Occurrences) -> str:
    """The inline children of a text or of a list's item, joined without line breaks."""
    within = parent.raw("type") == "list-item"
    inline = [child for child in parent.children() if not (within and _is_item(child))]
    pieces = [(_marks(child), _piece(child)) for child in occurrences(inline, parent)]
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


def compose_list(parent: Fields, occurrences: Occurrences) -> tuple[str, tuple[Item, ...] | None]:
    """The items of a list as a Markdown list, and how they look, if they look in any way of their own."""
    looks: list[Item] = []
    image = parent.image("imgSrc") or None
    mark = Item(image=image, href=(parent.link("imgHref") or None) if image else None)
    markdown = _list(parent, occurrences, looks, mark, 1)
    return markdown, tuple(looks) if any(look != Item() for look in looks) else None


def _list(parent: Fields, occurrences: Occurrences, looks: list[Item], mark: Item, depth: int) -> str:
    """Nested lists are indented below their item; ``mark``: how each item looks."""
    ordered = parent.raw("list_type") == "ordered"
    lines = []
    items = (item for item in occurrences(parent.children(), parent) if item.raw("type") == "list-item")
    for number, item in enumerate(items, start=1):
        marker = f"{number}. " if ordered else "- "
        looks.append(replace(mark, background_color=item.color("background_color")))
        lines.append(marker + _item(item, occurrences, looks, depth).replace("\n", "\n" + " " * len(marker)))
    return "\n".join(lines)


def _item(item: Fields, occurrences: Occurrences, looks: list[Item], depth: int) -> str:
    words = item.markdown() if "content" in item else compose(item, occurrences)
    if depth == MAX_LIST_DEPTH or not any(map(_is_item, item.children())):
        return words
    return f"{words}\n{_list(item, occurrences, looks, Item(), depth + 1)}"


def _is_item(child: Mapping[str, Any]) -> bool:
    return child.get("type") == "list-item"
