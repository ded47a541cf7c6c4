"""One element's fields as final values: the author's JSON goes in, rendered and cleaned text comes out."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from notify.content.line import one_line
from notify.content.snippets import expanded
from notify.content.urls import IMAGES, LINKS, allowed, scheme
from notify.expression import Budget, Escape, Scope, render_within
from notify.model.colors import color
from notify.model.document import Column

CONTROL = frozenset({"type", "if", "loop", "ref", "channels", "locales", "channel"})
"""Fields that a locale cannot change."""

_LENGTH = re.compile(r"\d{1,3}(?:\.\d{1,3})?(?:px|em|%)?")
_SIZE = re.compile(rf"{_LENGTH.pattern}(?: {_LENGTH.pattern}){{0,3}}")
_WIDTH = re.compile(r"\d{1,4}(?:\.\d{1,3})?(?:px|%)?")


@dataclass(slots=True)
class Run:
    """One document's (or channel block's) rendering: whose locale, at what cost, with which warnings.

    ``untracked``: URLs of inline links whose author wants no tracking. ``snippets``: the brand's.
    ``row``: the columns so far of those whose contents are being made; ``rows``: how many there have been.
    """

    locale: str | None
    budget: Budget
    refs: dict[str, Any]
    snippets: Mapping[str, str] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    untracked: list[str] = field(default_factory=list)
    row: list[Column] | None = None
    rows: int = 0

    def warn(self, at: str, problem: str) -> None:
        self.warnings.append(f"{at}: {problem}")

    def filled(self, source: str, scope: Scope, escape: Escape) -> str:
        """The source with its snippets and variables in place."""
        return render_within(expanded(source, self.snippets), scope, escape, self.budget)


class Fields:
    """The fields of one element, for one scope. Every method raises ContentError if it cannot be rendered."""

    __slots__ = ("_element", "at", "run", "scope")

    def __init__(self, element: Mapping[str, Any], scope: Scope, run: Run, at: str) -> None:
        self._element = localized(element, run.locale)
        self.scope = scope
        self.run = run
        self.at = at

    def __contains__(self, key: str) -> bool:
        return self._element.get(key) is not None

    def raw(self, key: str) -> Any:
        """The field as the author wrote it."""
        return self._element.get(key)

    def children(self) -> list[Mapping[str, Any]]:
        """The element's own elements."""
        elements = self._element.get("elements")
        return [child for child in elements or () if isinstance(child, Mapping)]

    def render(self, key: str, escape: Escape) -> str:
        """The field with its variables filled in; empty when it is not there."""
        value = self._element.get(key)
        if value is None:
            return ""
        source = value if isinstance(value, str) else str(value)
        return self.run.filled(source, self.scope, escape)

    def markdown(self, key: str = "content") -> str:
        """The author's Markdown, in which values are escaped."""
        return self.render(key, Escape.MARKDOWN).strip("\n")

    def line(self, key: str) -> str:
        """Plain text on one line."""
        return one_line(self.render(key, Escape.PLAIN))

    def optional(self, *keys: str) -> str | None:
        """Plain text on one line from the first of these fields that says something."""
        return next((text for key in keys if (text := self.line(key))), None)

    def link(self, key: str = "href") -> str:
        """A URL people may follow; empty, with a warning, when its scheme is not allowed."""
        return self._url(key, LINKS)

    def image(self, key: str = "src") -> str:
        """A URL of an image; empty, with a warning, when its scheme is not allowed."""
        return self._url(key, IMAGES)

    def _url(self, key: str, schemes: frozenset[str]) -> str:
        url = self.render(key, Escape.PLAIN)
        cleaned = allowed(url, schemes)
        if cleaned is None:
            found = scheme("".join(url.split())) or ""
            self.run.warn(f"{self.at}.{key}", f"the scheme `{found[:30]}` is not allowed; left empty")
        return cleaned or ""

    def choice(self, key: str, default: Any, *others: str) -> Any:
        """One of the words the format knows, else the default."""
        value = self._element.get(key)
        return value if value in others else default

    def flag(self, key: str) -> bool:
        """``true`` and ``"true"`` are; all else is not."""
        return str(self._element.get(key)).lower() == "true"

    def color(self, key: str) -> str | None:
        """A CSS color and nothing more."""
        return self._checked(key, color, "color")

    def width(self, key: str = "width") -> str | None:
        """A length in pixels or percent."""
        return self._checked(key, _WIDTH.fullmatch, "width")

    def size(self, key: str) -> str | None:
        """A length, or up to four of them as CSS has it for a padding; bare numbers are pixels."""
        return _in_units(self._checked(key, _SIZE.fullmatch, "size"))

    def length(self, key: str) -> str | None:
        """One length; a bare number is pixels."""
        return _in_units(self._checked(key, _LENGTH.fullmatch, "length"))

    def height(self, key: str = "line_height") -> str | None:
        """The height of a line: a length, or how many times the size of its letters."""
        return self._checked(key, _LENGTH.fullmatch, "height")

    def _checked(self, key: str, check: Callable[[str], object], kind: str) -> str | None:
        value = self.line(key)
        if value and not check(value):
            self.run.warn(f"{self.at}.{key}", f"`{value[:50]}` is not a {kind}; left out")
            return None
        return value or None


def _in_units(lengths: str | None) -> str | None:
    return " ".join(one if one[-1] in "x%m" else f"{one}px" for one in (lengths or "").split()) or None


def localized(element: Mapping[str, Any], locale: str | None) -> Mapping[str, Any]:
    """The element in a locale: its own fields where that locale, spelled exactly so, has none."""
    locales = element.get("locales")
    chosen = locales.get(locale) if locale and isinstance(locales, Mapping) else None
    if not isinstance(chosen, Mapping):
        return element
    return {**element, **{key: value for key, value in chosen.items() if key not in CONTROL}}
