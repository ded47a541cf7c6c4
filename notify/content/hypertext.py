"""HTML as plain text, for the text part of email: an author's HTML goes in, what it says comes out."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser

_HIDDEN = frozenset({"head", "script", "style", "title", "template"})
_BREAKS = frozenset(
    ("br", "div", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "ol", "p", "table", "tr", "ul")
)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self._hidden = 0
        self._links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in _HIDDEN
        if tag in _BREAKS:
            self.out.append("\n")
        if tag == "a":
            self._links.append(dict(attrs).get("href") or "")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _HIDDEN and self._hidden > 0
        if tag in _BREAKS:
            self.out.append("\n")
        if tag == "a" and self._links and (href := self._links.pop()):
            self.out.append(f" ({href})")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.out.append(data.replace("\n", " "))


_NO_TAG = re.compile(r"<(?=[^<>]*(?:<|\Z))")


def _tame(html: str) -> str:
    """Without comments, and with each ``<`` that no ``>`` follows as text.

    The parser looks through all that is left for each tag that has no end.
    """
    return _NO_TAG.sub("&lt;", "".join(_outside_comments(html)))


def _outside_comments(html: str) -> Iterator[str]:
    first, *parts = html.split("<!--")
    yield first
    for part in parts:
        yield part.partition("-->")[2]


def to_plain(html: str) -> str:
    """The visible text, a line per block, links with their URL."""
    reader = _Reader()
    reader.feed(_tame(html))
    reader.close()
    lines = (" ".join(line.split()) for line in "".join(reader.out).split("\n"))
    return "\n".join(line for line in lines if line)
