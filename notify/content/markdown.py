"""Markdown as HTML and as plain text: an author's Markdown goes in, finished text comes out.

HTML in it is text like any other; links and images have the schemes of ``notify.content.urls`` only.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape

from markdown_it import MarkdownIt
from markdown_it.common.utils import unescapeAll
from markdown_it.token import Token

from notify.content.urls import IMAGES, LINKS, allowed

_ACTIVE = re.compile(
    r"[`*_\[<\\\r\x00]|~~|&(?=#?\w+;)|^[ \t]*(?:[-+=>#]|\d{1,9}[.)])|^[ \t]|[ \t]\n|\n\n", re.MULTILINE
)
_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_EITHER = LINKS | IMAGES


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    parser.enable("strikethrough")
    # Indented code and reference links only ever surprise in a notification.
    parser.disable(["code", "reference"])
    parser.validateLink = lambda url: allowed(url, _EITHER) is not None  # type: ignore[method-assign]
    return parser


_PARSER = _parser()


def _literal(markdown: str) -> str | None:
    """What a Markdown without any marks but escapes says; None when it has others.

    Most texts are of this kind, and parsing is most of what an output costs.
    """
    if _ACTIVE.search(_ESCAPED.sub("x", markdown)):
        return None
    return _ESCAPED.sub(r"\1", markdown).strip()


def to_html(markdown: str, inline: bool = False) -> str:
    """The Markdown as HTML blocks, or, ``inline``, without the paragraphs around it."""
    return (_html_cached if len(markdown) <= _CACHED else _html)(markdown, inline)


def to_plain(markdown: str) -> str:
    """The Markdown as people would type it: no marks, links as URLs, images as their description."""
    return (_plain_cached if len(markdown) <= _CACHED else _plain)(markdown)


def _html(markdown: str, inline: bool) -> str:
    literal = _literal(markdown)
    if literal is not None:
        lines = escape(literal, quote=False).replace("\n", "<br />\n")
        return lines if inline else f"<p>{lines}</p>"
    tokens = _PARSER.parseInline(markdown, {}) if inline else _parsed(markdown)
    return str(_PARSER.renderer.render(tokens, _PARSER.options, {})).strip()


def changed_html(
    markdown: str, change: Callable[[Sequence[Token]], Iterable[Token]], inline: bool = False
) -> str:
    """Like ``to_html``, with the tokens of each paragraph changed."""
    tokens = _PARSER.parseInline(markdown, {}) if inline else _PARSER.parse(markdown)
    for token in tokens:
        if token.children:
            token.children = [*change(token.children)]
    return str(_PARSER.renderer.render(tokens, _PARSER.options, {})).strip()


def _plain(markdown: str) -> str:
    literal = _literal(markdown)
    return _Plain().blocks(_parsed(markdown)) if literal is None else literal


# By length, so that a full cache stays within memory.
_CACHED = 2000
_html_cached = lru_cache(maxsize=2048)(_html)
_plain_cached = lru_cache(maxsize=2048)(_plain)


# An email wants the same text as HTML and as plain text, one right after the other.
@lru_cache(maxsize=32)
def _parsed(markdown: str) -> list[Token]:
    return _PARSER.parse(markdown)


@dataclass(frozen=True, slots=True)
class Target:
    """A link's URL as the author meant it, and as a reader gets it."""

    plain: str
    normal: str


def target_of(written: str) -> Target:
    """The URL of a destination as it is written in Markdown."""
    plain = unescapeAll(written)
    return Target(plain, _PARSER.normalizeLink(plain))


def link_targets(markdown: str) -> set[str]:
    """The normal URLs of the links in the Markdown."""
    inline = [child for token in _parsed(markdown) for child in token.children or ()]
    return {str(token.attrGet("href")) for token in inline if token.type == "link_open"}


class _Plain:
    """Reads block tokens in order, keeping what each line begins with."""

    def __init__(self) -> None:
        self._prefixes: list[str] = []
        self._numbers: list[int | None] = []
        self._out: list[str] = []

    def blocks(self, tokens: Sequence[Token]) -> str:
        for token in tokens:
            self._block(token)
        return "\n".join(self._out).strip("\n")

    def _block(self, token: Token) -> None:
        kind = token.type
        if kind == "inline":
            self._write(_inline(token.children or []))
        elif kind in {"fence", "code_block"}:
            self._write(token.content.rstrip("\n"))
        elif kind == "hr":
            self._gap()
            self._write("---")
        elif kind in {"bullet_list_open", "ordered_list_open"}:
            self._gap()
            self._numbers.append(int(token.attrGet("start") or 1) if kind[0] == "o" else None)
        elif kind in {"bullet_list_close", "ordered_list_close"}:
            self._numbers.pop()
        elif kind == "list_item_open":
            self._prefixes.append(self._marker())
        elif kind == "blockquote_open":
            self._prefixes.append("> ")
        elif kind in {"list_item_close", "blockquote_close"}:
            self._prefixes.pop()
        elif kind in {"paragraph_open", "heading_open"} and not self._numbers:
            self._gap()

    def _marker(self) -> str:
        number = self._numbers[-1]
        if number is None:
            return "- "
        self._numbers[-1] = number + 1
        return f"{number}. "

    def _gap(self) -> None:
        if self._out and not self._numbers:
            self._out.append("".join(self._prefixes).rstrip())

    def _write(self, text: str) -> None:
        for line in text.split("\n"):
            self._out.append("".join(self._prefixes) + line)
            # A list's marker stands before its first line only.
            self._prefixes = [prefix if prefix == "> " else " " * len(prefix) for prefix in self._prefixes]


def _inline(tokens: Sequence[Token]) -> str:
    out: list[str] = []
    links: list[tuple[str, int]] = []
    for token in tokens:
        if token.type in {"text", "code_inline"}:
            out.append(token.content)
        elif token.type in {"softbreak", "hardbreak"}:
            out.append("\n")
        elif token.type == "image":
            out.append(token.content or str(token.attrGet("src")))
        elif token.type == "link_open":
            links.append((str(token.attrGet("href")), len(out)))
        elif token.type == "link_close":
            url, start = links.pop()
            out[start:] = [_link("".join(out[start:]), url)]
    return "".join(out)


def _link(label: str, url: str) -> str:
    bare = url.removeprefix("mailto:").removeprefix("tel:")
    return bare if label.strip() in {"", url, bare} else f"{label} ({bare})"
