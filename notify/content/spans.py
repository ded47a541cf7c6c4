"""Looks of pieces of a text: marks around them in its Markdown in, HTML of an email with their styles out.

The marks are characters that no text has (https://www.unicode.org/faq/private_use.html#noncharacters); they
are taken out of all that is written or filled in. They count only where Markdown reads words: inside a URL or
code they say nothing, and so no piece can reach out of its place.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape

from markdown_it.token import Token

from notify.content.chrome import MUTED
from notify.content.markdown import changed_html
from notify.model.document import Look, Spans

SIZES = {"h1": "28px", "h2": "22px", "h3": "18px", "subtext": "13px"}

_OPEN, _MIDDLE, _CLOSE = "\ufdd0", "\ufdd1", "\ufdd2"
_MARK = re.compile(f"{_OPEN}(\\d+){_MIDDLE}|{_CLOSE}")
_ANY = re.compile(f"{_OPEN}\\d+{_MIDDLE}|[{_OPEN}{_MIDDLE}{_CLOSE}]")
_CORE = re.compile(r"(\s*)(.*?)(\s*)", re.DOTALL)


def bare(markdown: str) -> str:
    """The Markdown without marks."""
    return _ANY.sub("", markdown)


def marked(markdown: str, number: int) -> str:
    """A piece between marks; spaces stay outside, where Markdown's own marks want them."""
    before, core, after = _CORE.fullmatch(markdown).groups()  # type: ignore[union-attr]
    return f"{before}{_OPEN}{number}{_MIDDLE}{core}{_CLOSE}{after}" if core else markdown


def to_html(spans: Spans, inline: bool = False) -> str:
    """The text as HTML blocks, or, ``inline``, without the paragraphs around it."""
    reader = _Reader(spans.looks)
    return bare(changed_html(spans.content, reader.paragraph, inline))


class _Reader:
    """Puts tags in the places of marks; a piece that goes on in the next paragraph is opened anew there."""

    def __init__(self, looks: Sequence[Look]) -> None:
        self._looks = looks
        self._open: list[Look] = []

    def paragraph(self, tokens: Sequence[Token]) -> Iterator[Token]:
        yield from map(_opening, self._open)
        for token in tokens:
            yield from self._text(token.content) if token.type == "text" else (self._sized(token),)
        yield from (_html("</span>") for _ in self._open)

    def _text(self, content: str) -> Iterator[Token]:
        end = 0
        for mark in _MARK.finditer(content):
            yield _words(content[end : mark.start()])
            yield from self._tag(mark[1])
            end = mark.end()
        yield _words(content[end:])

    def _tag(self, number: str | None) -> Iterable[Token]:
        if number is None:
            return (_html("</span>"),) if self._open and self._open.pop() else ()
        if int(number) >= len(self._looks):
            return ()
        self._open.append(self._looks[int(number)])
        return (_opening(self._open[-1]),)

    def _sized(self, token: Token) -> Token:
        width = self._open[-1].width if self._open else None
        if token.type == "image" and width:
            token.attrSet("style", f"max-width:100%;height:auto;width:{width}")
        return token


def _words(text: str) -> Token:
    return Token("text", "", 0, content=text)


def _html(tag: str) -> Token:
    return Token("html_inline", "", 0, content=tag)


def _opening(look: Look) -> Token:
    style = ";".join(f"{name}:{value}" for name, value in _styles(look) if value)
    return _html(f'<span style="{escape(style)}">' if style else "<span>")


def _styles(look: Look) -> Iterator[tuple[str, str | None]]:
    style = look.text_style or "text"
    yield "font-size", SIZES.get(style)
    yield "font-weight", "700" if style[0] == "h" else None
    yield "color", look.color or (MUTED if style == "subtext" else None)
    yield "background-color", look.highlight
    yield "text-decoration", "underline" if look.underline else None
