"""Links rewritten: elements or HTML and a rule for one URL in, the same with other URLs out.

Only what people follow is a link: images, style sheets and URLs that are typed as text stay as they are.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from html import escape, unescape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from notify.content.markdown import link_targets, target_of
from notify.content.urls import destination, scheme
from notify.model.document import Action, Element, Html, Image, Item, Quote, Text

Rewrite = Callable[[str], str]

_NESTED = r"(?:[^\s()<>\\]|\\.|\([^\s()<>]*\))+"
_MARKDOWN = re.compile(rf"(?P<before>\]\(\s*<?|<(?=https?://))(?P<url>{_NESTED})", re.IGNORECASE)
_NO_LINKS = "link|base|image|img|use|script|v:image"
_TAG = re.compile(rf"<(?!(?:{_NO_LINKS})\b)[a-z][\w:-]*\s[^<>]*>", re.IGNORECASE)
_HREF = re.compile(r"""(?P<before>\shref\s*=\s*)(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)')""", re.IGNORECASE)
_UNTRACKED = re.compile(r"\s(?:data-)?disable[_-]tracking\b", re.IGNORECASE)


def relinked(
    elements: tuple[Element, ...], rewrite: Rewrite, untracked: Collection[str]
) -> tuple[Element, ...]:
    """``untracked``: URLs of Markdown links that stay as they are."""
    return tuple(_element(element, rewrite, untracked) for element in elements)


def _element(element: Element, rewrite: Rewrite, untracked: Collection[str]) -> Element:
    match element:
        case Text():
            return _text(element, rewrite, untracked)
        case Quote():
            return replace(element, content=in_markdown(element.content, rewrite, untracked))
        case Action() if element.href and not element.disable_tracking:
            return replace(element, href=on_the_web(element.href, rewrite))
        case Image() if element.href:
            return replace(element, href=on_the_web(element.href, rewrite))
        case Html():
            return replace(element, content=in_html(element.content, rewrite))
    return element


def _text(text: Text, rewrite: Rewrite, untracked: Collection[str]) -> Text:
    spans, items = text.spans, text.items
    return replace(
        text,
        content=in_markdown(text.content, rewrite, untracked),
        spans=spans and replace(spans, content=in_markdown(spans.content, rewrite, untracked)),
        items=items and tuple(_item(item, rewrite) for item in items),
    )


def _item(item: Item, rewrite: Rewrite) -> Item:
    return replace(item, href=on_the_web(item.href, rewrite)) if item.href else item


def on_the_web(url: str, rewrite: Rewrite) -> str:
    """``mailto:``, ``tel:`` and relative URLs stay as they are."""
    return rewrite(url) if scheme(url) in {"http", "https"} else url


def in_markdown(markdown: str, rewrite: Rewrite, untracked: Collection[str] = ()) -> str:
    """The Markdown with its links rewritten; what only looks like a link, in code for instance, is none."""
    if "](" not in markdown and "<http" not in markdown.lower():
        return markdown
    links = link_targets(markdown)

    def replaced(found: re.Match[str]) -> str:
        url = target_of(found["url"])
        if url.normal not in links or url.plain in untracked or destination(url.plain) in untracked:
            return found[0]
        return found["before"] + destination(on_the_web(url.plain, rewrite))

    return _MARKDOWN.sub(replaced, markdown)


def in_html(html: str, rewrite: Rewrite) -> str:
    """The HTML (or MJML) with the links of its tags rewritten, but for those marked ``disable_tracking``."""

    def tag(found: re.Match[str]) -> str:
        return found[0] if _UNTRACKED.search(found[0]) else _HREF.sub(href, found[0])

    def href(found: re.Match[str]) -> str:
        url = unescape(found["double"] if found["double"] is not None else found["single"]).strip()
        return f'{found["before"]}"{escape(on_the_web(url, rewrite))}"'

    return _TAG.sub(tag, html)


def with_query(url: str, parameters: Mapping[str, str]) -> str:
    """``url`` with these parameters in its query; those it has already keep their values."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return url
    there = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    added = urlencode({name: value for name, value in parameters.items() if name not in there})
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, added)))))


def with_pixel(html: str, url: str) -> str:
    """The page with an invisible image at its end."""
    style = "display:block;width:1px;height:1px;border:0"
    image = f'<img src="{escape(url)}" alt="" width="1" height="1" style="{style}" />'
    before, end, after = html.rpartition("</body>")
    return f"{before}{image}{end}{after}" if end else html + image
