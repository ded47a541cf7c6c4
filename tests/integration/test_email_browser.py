"""An email in a real browser, element by element and in a brand's dress; and its text part."""

import warnings
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from notify.content import brand, email
from notify.content.elemental import resolve
from notify.expression import Limits, scope
from notify.model.document import Frame
from notify.model.output import EmailOutput
from tests.browser import PROGRAM, running_browser, screenshot

pytestmark = pytest.mark.skipif(not PROGRAM, reason="NO EMAIL IS TESTED IN A BROWSER: no chromium")
if not PROGRAM:
    warnings.warn("chromium is not installed, so no email is tested in a browser", stacklevel=1)

LIMITS = Limits(timeout_ms=5000, steps=1000, output_bytes=1 << 20)
LINK = "https://example.com/"
LONG = "A rather long line that has to be broken into several on the small screen of a phone. " * 3
ITEM: Any = {"type": "list-item", "elements": [{"type": "string", "content": "First"}]}

INNER: Any = {"type": "list-item", "elements": [{"type": "string", "content": "Inner"}]}
OUTER: Any = [{"type": "string", "content": "Outer"}, INNER]
NESTED: Any = {"type": "list-item", "elements": OUTER}
PICTURE: Any = {"type": "img", "src": f"{LINK}t.png", "alt_text": "Tiny", "width": "20px"}
ACTION: Any = {"type": "action", "content": "Open", "href": LINK}
IMAGE: Any = {"type": "image", "src": f"{LINK}a.png", "alt_text": "A picture", "width": "300px"}
INLINE: Any = [{"type": "string", "content": "See "}, {"type": "link", "content": "this", "href": LINK}]
LOOK: Any = {"color": "#b91c1c", "highlight": "#fef08a", "underline": True}
LOOKS: Any = [{"type": "string", "content": "Sale", **LOOK}]
PICTURE_SIZED: Any = {**PICTURE, "width": "40px"}
OWN_MARKDOWN = "<div id='mine'>{{#markdown}}* one **bold** {{things[0]}}{{/markdown}}</div>"
TEXT: Any = {"type": "text", "content": f"**Bold** and [a link]({LINK}). {LONG}"}
WITHIN: Any = [{"type": "text", "content": "Within"}]

ELEMENTS: dict[str, tuple[dict[str, Any], str, str]] = {
    "text": (TEXT, "td div p strong", "Bold and a link"),
    "heading": ({"type": "text", "content": "A heading", "text_style": "h1"}, "h1", "A heading"),
    "subtext": ({"type": "text", "content": "Small", "text_style": "subtext"}, "td div p", "Small"),
    "action": (ACTION, f'a[href="{LINK}"]', f"Open: {LINK}"),
    "action full": ({**ACTION, "align": "full"}, "a", f"Open: {LINK}"),
    "action secondary": ({**ACTION, "style": "secondary"}, "a", f"Open: {LINK}"),
    "action tertiary": ({**ACTION, "style": "tertiary"}, "a", f"Open: {LINK}"),
    "action link": ({**ACTION, "style": "link"}, "a", f"Open: {LINK}"),
    "image": (IMAGE, "img[alt='A picture']", f"{LINK}a.png"),
    "image with link": ({**IMAGE, "href": LINK}, f'a[href="{LINK}"] img', f"{LINK}a.png"),
    "divider": ({"type": "divider", "color": "#ff0000"}, "p[style*='border-top']", "----------"),
    "quote": ({"type": "quote", "content": "Wise words"}, "blockquote", "\u201cWise words\u201d"),
    "html": ({"type": "html", "content": "<p id='own'>Own <i>HTML</i></p>"}, "#own", "Own HTML"),
    "list": ({"type": "list", "list_type": "ordered", "elements": [ITEM]}, "ol li", "1. First"),
    "list nested": ({"type": "list", "elements": [NESTED]}, "ul li ul li", "- Outer"),
    "inline": ({"type": "text", "elements": INLINE}, f'a[href="{LINK}"]', f"See this ({LINK})"),
    "inline image": ({"type": "text", "elements": [PICTURE]}, "img[alt='Tiny']", "Tiny"),
    "inline looks": ({"type": "text", "elements": LOOKS}, "p span[style]", "Sale"),
    "inline image sized": ({"type": "text", "elements": [PICTURE_SIZED]}, "span img[style]", "Tiny"),
    "html with markdown": ({"type": "html", "content": OWN_MARKDOWN}, "#mine li strong", "one bold a"),
    "loop": ({"type": "text", "content": "Again {{$.item}}", "loop": "data.things"}, "td div p", "Again a"),
    "group": ({"type": "group", "elements": WITHIN}, "td div p", "Within"),
    "columns": (
        {"type": "columns", "elements": [{"type": "column", "elements": WITHIN}]}, "td div p", "Within",
    ),
}  # fmt: skip
"""What is written, what to look for, and how the text part begins."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as started:
        yield started


@pytest.fixture(params=[390, 1000], ids=["phone", "desk"])
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A mail program's window, with no way to the network."""
    opened = browser.new_page(viewport={"width": request.param, "height": 844})
    opened.route("**/*", lambda route: route.abort())
    yield opened
    opened.close()


def _email(*elements: Any, dress: Frame | None = None) -> EmailOutput:
    content = {"version": "2022-01-01", "elements": [{"type": "meta", "title": "Subject"}, *elements]}
    document = resolve(content, variables={"data": {"things": ["a", "b"]}}, locale=None, limits=LIMITS)
    assert document.warnings == ()
    return email.build(document.elements, dress)


def _fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


@pytest.mark.parametrize("page", [390], ids=["phone"], indirect=True)
@pytest.mark.parametrize("name", ELEMENTS)
def test_every_element_is_seen(page: Page, name: str) -> None:
    element, selector, said = ELEMENTS[name]
    built = _email(element)
    page.set_content(built.html, wait_until="domcontentloaded")
    screenshot(page, f"email-{name.replace(' ', '-')}-{page.viewport_size['width']}")  # type: ignore[index]
    shown = page.locator(selector).first
    assert shown.is_visible() or name == "divider"
    box = shown.bounding_box()
    assert box is not None
    assert box["width"] > 0
    assert _fits(page)
    assert built.text.startswith(said)


@pytest.mark.parametrize("page", [1000], ids=["desk"], indirect=True)
def test_buttons_look_as_they_should(page: Page) -> None:
    actions = [
        {"type": "action", "content": style, "href": LINK, "style": style}
        for style in ("button", "secondary")
    ]
    page.set_content(_email(*actions, dress=Frame(primary="#0f766e", secondary="#b45309")).html)

    def style(of: str, what: str) -> str:
        return str(page.locator("a", has_text=of).evaluate(f"one => getComputedStyle(one).{what}"))

    assert style("button", "backgroundColor") == "rgb(15, 118, 110)"
    assert style("button", "color") == "rgb(255, 255, 255)"
    assert style("secondary", "color") == "rgb(180, 83, 9)"


@pytest.mark.parametrize("page", [1000], ids=["desk"], indirect=True)
def test_sizes_and_borders_are_the_authors(page: Page) -> None:
    elements = [
        {"type": "text", "content": "Large", "font_size": "30px", "line_height": "2"},
        {"type": "text", "content": "Own"},
        {"type": "quote", "content": "Wise", "font_size": 20},
        {**ACTION, "border_radius": "12px", "border_size": "3px", "padding": "4px 40px", "font_size": "22px"},
        {**IMAGE, "border_color": "#ff0000", "border_size": "2px", "padding": "40px"},
        {"type": "text", "content": "Not so", "font_size": "1px;color:red"},
    ]
    block = {"type": "channel", "channel": "email", "font_size": "18px", "elements": elements}
    document = resolve(
        {"version": "2022-01-01", "elements": [block]}, variables={}, locale=None, limits=LIMITS
    )
    page.set_content(email.build(document.blocks[0].elements).html, wait_until="domcontentloaded")
    screenshot(page, "email-sizes")

    def style(text: str, what: str) -> str:
        found = page.get_by_text(text, exact=True).last
        return str(found.evaluate(f"one => getComputedStyle(one).{what}"))

    assert (style("Large", "fontSize"), style("Large", "lineHeight")) == ("30px", "60px")
    assert (style("Own", "fontSize"), style("Wise", "fontSize")) == ("18px", "20px")
    assert (style("Open", "fontSize"), style("Open", "paddingLeft")) == ("22px", "40px")
    cell = page.locator("td[bgcolor]", has_text="Open").last
    assert cell.evaluate("one => getComputedStyle(one).borderTopLeftRadius") == "12px"
    assert cell.evaluate("one => getComputedStyle(one).borderTopWidth") == "3px"
    assert page.locator("img").evaluate("one => getComputedStyle(one).borderTopWidth") == "2px"
    assert (style("Not so", "fontSize"), len(document.warnings)) == ("18px", 1)


@pytest.mark.parametrize("page", [390], ids=["phone"], indirect=True)
def test_pieces_of_a_text_have_looks_of_their_own(page: Page) -> None:
    link = {**INLINE[1], "color": "#15803d"}
    page.set_content(_email({"type": "text", "elements": [INLINE[0], link, PICTURE_SIZED, *LOOKS]}).html)

    def style(selector: str, what: str) -> str:
        return str(page.locator(selector).evaluate(f"one => getComputedStyle(one).{what}"))

    said = "span[style*='fef08a']"
    assert style(said, "color") == "rgb(185, 28, 28)"
    assert style(said, "backgroundColor") == "rgb(254, 240, 138)"
    assert style(said, "textDecorationLine") == "underline"
    assert style(f'a[href="{LINK}"] span', "color") == "rgb(21, 128, 61)"
    # Without its file a browser shows only the words of an image.
    assert page.locator("img[alt='Tiny']").evaluate("one => one.style.width") == "40px"


def test_columns_stand_side_by_side_where_there_is_room(page: Page) -> None:
    look = {"background_color": "#eef2ff", "border_color": "#4338ca", "padding": "8px", "width": "60%"}
    left = {"type": "column", "elements": [{"type": "text", "content": "Left"}, ACTION], **look}
    right = {"type": "column", "elements": [{"type": "text", "content": "Right"}, IMAGE]}
    items = [{"type": "list-item", "content": "Item", "background_color": "#dcfce7"}]
    listed = {"type": "list", "elements": items, "imgSrc": f"{LINK}mark.png", "imgHref": f"{LINK}mark"}
    row = {"type": "columns", "gap": "24px", "elements": [left, right]}
    built = _email({"type": "text", "content": "Above"}, row, {"type": "text", "content": "Below"}, listed)
    page.set_content(built.html, wait_until="domcontentloaded")
    wide = bool(page.evaluate("window.innerWidth >= 600"))
    screenshot(page, f"email-columns-{'desk' if wide else 'phone'}")

    def box(text: str) -> dict[str, float]:
        found = page.get_by_text(text, exact=True).last.bounding_box()
        assert found is not None
        return {**found}

    above, first, second, below = map(box, ("Above", "Left", "Right", "Below"))
    assert above["y"] < first["y"] < below["y"]
    assert (second["x"] > first["x"] + first["width"]) is wide
    assert (second["y"] > page.get_by_text("Open", exact=True).last.bounding_box()["y"]) is not wide  # type: ignore[index]
    cell = page.locator("td[style*='#eef2ff']").last
    assert cell.evaluate("one => getComputedStyle(one).borderTopColor") == "rgb(67, 56, 202)"
    item = page.locator("li", has_text="Item")
    assert item.evaluate("one => getComputedStyle(one).backgroundColor") == "rgb(220, 252, 231)"
    assert item.evaluate("one => getComputedStyle(one).listStyleType") == "none"
    assert item.locator(f'a[href="{LINK}mark"] img').count() == 1
    assert _fits(page)


def test_a_brand_is_seen(page: Page) -> None:
    header = {"barColor": "#b91c1c", "logo": {"image": f"{LINK}logo.png", "href": LINK}}
    footer = {"markdown": "Yours, **Acme**", "social": {"linkedin": {"url": f"{LINK}in"}}}
    settings = {"colors": {"primary": "#0f766e"}, "email": {"header": header, "footer": footer}}
    dress = brand.frame(settings, scope({}, None), {}, LIMITS)
    built = _email({"type": "text", "content": "Hello"}, dress=dress)
    page.set_content(built.html, wait_until="domcontentloaded")
    screenshot(page, f"email-brand-{page.viewport_size['width']}")  # type: ignore[index]
    for text in ("Hello", "Acme", "LinkedIn"):
        assert page.get_by_text(text, exact=True).last.is_visible()
    assert page.locator(f'a[href="{LINK}"] img').count() == 1
    top = page.evaluate(
        "getComputedStyle(document.elementFromPoint(window.innerWidth / 2, 3)).backgroundColor"
    )
    bars = page.evaluate(
        "[...document.querySelectorAll('*')].map(one => getComputedStyle(one).backgroundColor)"
    )
    assert "rgb(185, 28, 28)" in {top, *bars}
    assert _fits(page)
    assert built.text == f"Hello\n\nYours, Acme\n\nLinkedIn: {LINK}in"


@pytest.mark.parametrize("page", [1000], ids=["desk"], indirect=True)
@pytest.mark.parametrize("mjml", [False, True])
def test_a_page_of_ones_own_is_seen(page: Page, mjml: bool) -> None:
    html = {"enabled": True, "header": "<h6>Mine</h6>", "footer": "<i>Bye</i>", "backgroundColor": "#112233"}
    section = "<mj-section><mj-column><mj-text>{}</mj-text></mj-column></mj-section>"
    own = {"enabled": True, "header": section.format("Mine"), "footer": section.format("Bye")}
    override = {**html, "mjml": own if mjml else {"enabled": False}}
    dress = brand.frame({"email": {"templateOverride": override}}, scope({}, None), {}, LIMITS)
    page.set_content(_email({"type": "text", "content": "Hello"}, dress=dress).html)
    order = [page.get_by_text(text, exact=True).last.bounding_box() for text in ("Mine", "Hello", "Bye")]
    assert [box["y"] for box in order if box] == sorted(box["y"] for box in order if box)
    assert len([box for box in order if box]) == 3
    background = "document.querySelector('div[role=article]')"
    assert page.evaluate(f"getComputedStyle({background}).backgroundColor") == "rgb(17, 34, 51)"
