"""Looks of pieces of a text: styles in email, Markdown's own marks elsewhere, hostile ones nowhere."""

from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.content import chat, email, inbox, links, sms
from notify.content.elemental import resolve
from notify.expression import Limits
from notify.model.document import DOCUMENT, Document, Text

LIMITS = Limits(timeout_ms=5000, steps=1_000, output_bytes=100_000)
RED: dict[str, Any] = {"type": "string", "content": "red", "color": "#c00", "highlight": "yellow"}
LINE: list[dict[str, Any]] = [
    {"type": "string", "content": "All "},
    {"type": "string", "content": "(bold) ", "bold": True, "underline": "true"},
    RED,
    {"type": "link", "content": "go", "href": "https://e.org/", "color": "rgb(0, 128, 0)"},
    {"type": "img", "src": "https://e.org/i.png", "alt_text": "i", "width": "20px"},
    {"type": "string", "content": "big", "text_style": "h2", "strikethrough": True},
]
HTML = (
    '<p style="margin:0 0 8px">All <strong><span style="text-decoration:underline">(bold)</span></strong> '
    '<span style="color:#c00;background-color:yellow">red</span>'
    '<a href="https://e.org/"><span style="color:rgb(0, 128, 0)">go</span></a>'
    '<span><img src="https://e.org/i.png" alt="i" style="max-width:100%;height:auto;width:20px" /></span>'
    '<s><span style="font-size:22px;font-weight:700">big</span></s></p>'
)


def made(*children: Any, type_: str = "text", **data: Any) -> Document:
    elements = [{"type": type_, "elements": list(children)}]
    return resolve({"elements": elements}, variables={"data": data}, locale=None, limits=LIMITS)


def test_every_piece_has_its_look_in_email() -> None:
    document = made(*LINE)
    assert document.warnings == ()
    built = email.build(document.elements)
    assert HTML in built.html
    assert built.text == "All (bold) redgo (https://e.org/)ibig"


def test_other_channels_say_what_they_can() -> None:
    elements = made(*LINE).elements
    markdown = "All **(bold)** red[go](https://e.org/)![i](https://e.org/i.png)~~big~~"
    assert [block["text"] for block in chat.build(elements).blocks] == [markdown]
    assert inbox.build(elements).body == markdown
    assert sms.build(elements).body == "All (bold) redgo (https://e.org/)ibig"


def test_a_list_has_looks_inside_its_items() -> None:
    inner = {"type": "list-item", "elements": [RED], "background_color": "#eee"}
    outer = {"type": "list-item", "elements": [{"type": "string", "content": "plain"}, inner]}
    html = email.build(made(outer, type_="list").elements).html
    assert (
        '<li style="background-color:#eee;"><span style="color:#c00;background-color:yellow">red</span></li>'
        in html
    )


def test_a_heading_keeps_its_one_line() -> None:
    elements = [{"type": "text", "text_style": "h1", "elements": [RED]}]
    document = resolve({"elements": elements}, variables={}, locale=None, limits=LIMITS)
    assert 'font-weight:inherit"><span style="color:#c00;background-color:yellow">red</span></h1>' in (
        email.build(document.elements).html
    )


def test_a_look_outlives_storing_and_tracked_links() -> None:
    stored = DOCUMENT.validate_json(DOCUMENT.dump_json(made(*LINE)))
    (text,) = links.relinked(stored.elements, lambda url: f"https://track/{len(url)}", ())
    assert isinstance(text, Text)
    html = email.build((text,)).html
    assert '<a href="https://track/14"><span style="color:rgb(0, 128, 0)">go</span></a>' in html
    assert "https://e.org/i.png" in html


def test_a_text_without_looks_has_none() -> None:
    (text,) = made(
        {"type": "string", "content": "a"}, {"type": "string", "content": "b", "bold": True}
    ).elements
    assert isinstance(text, Text)
    assert (text.content, text.spans) == ("a**b**", None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("color", "red;background:url(javascript:alert(1))"),
        ("color", 'red" onmouseover="alert(1)'),
        ("highlight", "expression(alert(1))"),
        ("highlight", "url(https://evil.example/x)"),
        ("highlight", "</span><script>"),
        ("width", "1px;position:fixed"),
    ],
)
def test_what_is_no_color_or_width_is_left_out(field: str, value: str) -> None:
    picture = {"type": "img", "src": "https://e.org/i.png", "underline": True, field: "{{x}}"}
    for child in (picture, *([] if field == "width" else [{**RED, field: "{{x}}"}])):
        document = made(child, x=value)
        html = email.build(document.elements).html
        assert len(document.warnings) == 1
        for bad in ("alert", "evil", "<script>", "position"):
            assert bad not in html


def test_a_link_that_runs_is_none_whatever_it_looks_like() -> None:
    html = email.build(made({**LINE[3], "href": "{{x}}"}, x="javascript:alert(1)").elements).html
    assert "javascript" not in html
    assert "go</span>" in html


class _Tags(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _ in attrs)))


_KNOWN = {
    "span",
    "strong",
    "em",
    "s",
    "a",
    "img",
    "p",
    "br",
    "code",
    "h1",
    "h2",
    "h3",
    "ul",
    "ol",
    "li",
    "hr",
}
_KNOWN |= {"pre", "blockquote", "h4", "h5", "h6"}
_HARMLESS = {"style", "href", "src", "alt", "title", "class", "start"}
_BITS = [
    "*",
    "_",
    "`",
    "[",
    "](https://e ",
    '"',
    ")",
    "a",
    " ",
    "\n\n",
    "- ",
    "\\",
    "<b onclick=x>",
    "\ufdd0",
    "0",
]
_SOUP = st.lists(st.sampled_from([*_BITS, "\ufdd1", "\ufdd2", "![", "~~"]), max_size=8).map("".join)


@given(st.lists(_SOUP, min_size=1, max_size=4), _SOUP)
def test_no_piece_reaches_out_of_its_place(contents: list[str], value: str) -> None:
    from notify.content.spans import to_html

    children = [{**RED, "content": content + "{{x}}", "bold": n % 2} for n, content in enumerate(contents)]
    for text in made(*children, x=value).elements:
        assert isinstance(text, Text)
        html = to_html(text.spans) if text.spans else ""
        for tag, attributes in _Tags(html).found:
            assert tag in _KNOWN
            assert set(attributes) <= _HARMLESS
        assert not {"\ufdd0", "\ufdd1", "\ufdd2"} & {*html, *text.content}
