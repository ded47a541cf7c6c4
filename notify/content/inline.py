"""Markdown from pieces: inline children of a text, or items of a list, go in; one Markdown text comes out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from notify.content import spans
from notify.content.fields import Fields
from notify.content.urls import destination
from notify.expression import Escape
from notify.model.document import Item, Look, Spans

Occurrences = Callable[[list[Mapping[str, Any]], Fields], Iterator[Fields]]
"""Children of an element, each as often as its ``if`` and ``loop`` say."""

MAX_LIST_DEPTH = 5

Marked = Callable[[str], str]
"""A piece of Markdown with the marks of its look around it."""

_MARKS = (("strikethrough", "~~"), ("italic", "*"), ("bold", "**"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """What an element's children say; ``spans`` and ``items`` if they look in any way of their own."""

    content: str
    spans: Spans | None = None
    items: tuple[Item, ...] | None = None


def compose(parent: Fields, occurrences: Occurrences) -> Composed:
    """The inline children of a text, joined without line breaks."""
    composer = _Composer(occurrences)
    return composer.composed(composer.line(parent))


def compose_list(parent: Fields, occurrences: Occurrences) -> Composed:
    """The items of a list as a Markdown list."""
    composer = _Composer(occurrences)
    image = parent.image("imgSrc") or None
    mark = Item(image=image, href=(parent.link("imgHref") or None) if image else None)
    return composer.composed(composer.listed(parent, mark, 1))


class _Composer:
    """Collects, while it composes, how pieces and items look."""

    def __init__(self, occurrences: Occurrences) -> None:
        self._occurrences = occurrences
        self._looks: list[Look] = []
        self._items: list[Item] = []

    def composed(self, markdown: str) -> Composed:
        return Composed(
            content=spans.bare(markdown),
            spans=Spans(content=markdown, looks=tuple(self._looks)) if self._looks else None,
            items=tuple(self._items) if any(item != Item() for item in self._items) else None,
        )

    def line(self, parent: Fields) -> str:
        """The inline children of a text or of a list's item."""
        within = parent.raw("type") == "list-item"
        inline = [child for child in parent.children() if not (within and _is_item(child))]
        pieces = [(_marks(child), self._piece(child)) for child in self._occurrences(inline, parent)]
        # Two bold pieces side by side are one: their marks would meet and mean nothing.
        runs = groupby(pieces, key=lambda piece: piece[0])
        return "".join(_marked("".join(piece for _, piece in run), marks) for marks, run in runs)

    def listed(self, parent: Fields, mark: Item, depth: int) -> str:
        """Nested lists are indented below their item; ``mark``: how each item looks."""
        ordered = parent.raw("list_type") == "ordered"
        children = self._occurrences(parent.children(), parent)
        items = (one for one in children if one.raw("type") == "list-item")
        lines = []
        for number, item in enumerate(items, start=1):
            marker = f"{number}. " if ordered else "- "
            self._items.append(replace(mark, background_color=item.color("background_color")))
            lines.append(marker + self._item(item, depth).replace("\n", "\n" + " " * len(marker)))
        return "\n".join(lines)

    def _item(self, item: Fields, depth: int) -> str:
        words = spans.bare(item.markdown()) if "content" in item else self.line(item)
        if depth == MAX_LIST_DEPTH or not any(map(_is_item, item.children())):
            return words
        return f"{words}\n{self.listed(item, Item(), depth + 1)}"

    def _piece(self, child: Fields) -> str:
        builder = _PIECES.get(child.raw("type"))
        if builder is None:
            child.run.warn(child.at, f"a text cannot hold `{child.raw('type')}`; skipped")
            return ""
        look = _look(child)
        if look == Look():
            return builder(child, spans.bare)
        self._looks.append(look)
        return builder(child, lambda piece: spans.marked(spans.bare(piece), self._looks.index(look)))


def _look(child: Fields) -> Look:
    picture = child.raw("type") == "img"
    return Look(
        color=child.color("color"),
        highlight=child.color("highlight"),
        underline=child.flag("underline"),
        text_style=child.choice("text_style", None, "h1", "h2", "h3", "subtext"),
        width=child.width() if picture else None,
    )


def _marks(child: Fields) -> str:
    return "".join(mark for flag, mark in _MARKS if child.flag(flag))


def _marked(content: str, marks: str) -> str:
    # A mark next to a space marks nothing, so spaces stay outside.
    inner = content.strip()
    return content.replace(inner, f"{marks}{inner}{marks[::-1]}", 1) if inner else content


def _string(child: Fields, marked: Marked) -> str:
    return marked(child.render("content", Escape.MARKDOWN))


def _link(child: Fields, marked: Marked) -> str:
    # A mail program colors the link itself: what stands inside it has the last word.
    label, href = marked(child.markdown()), child.link()
    if child.flag("disable_tracking"):
        child.run.untracked.append(destination(href))
    return f"[{label}]({spans.bare(destination(href))})" if href else label


def _image(child: Fields, marked: Marked) -> str:
    src, href = child.image(), child.link()
    if not src:
        return ""
    picture = f"![{_label(child.optional('alt_text', 'altText') or '')}]({destination(src)})"
    linked = f"[{picture}]({destination(href)})" if href else picture
    return marked(linked)


def _label(alt: str) -> str:
    return alt.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")


_PIECES: Mapping[Any, Callable[[Fields, Marked], str]] = {"string": _string, "link": _link, "img": _image}


def _is_item(child: Mapping[str, Any]) -> bool:
    return child.get("type") == "list-item"
