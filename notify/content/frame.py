"""The HTML frame of an email: elements go in, a responsive page comes out.

The page's structure is MJML made from nothing but element types and checked attributes; what people wrote
stands beside it as ready HTML and is put in after MJML has run. So no text can change the structure, and
pages of one structure are compiled once.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from html import escape
from itertools import groupby
from typing import Any

from mjml import mjml2html

from notify.content import columns
from notify.content.chrome import MUTED, WIDTH, Surroundings, surroundings
from notify.content.items import itemized
from notify.content.markdown import to_html
from notify.model.document import Action, Divider, Element, Frame, Html, Image, Quote, Text

ACCENT = "#1d4ed8"
INK = "#1f2937"
SIDES = 50
INNER_WIDTH = WIDTH - SIDES
PADDING = "24px 0"

_SLOT = re.compile(r"@@(\d+)@@")
_HEAD = (
    "<mj-title>@@0@@</mj-title><mj-preview>@@1@@</mj-preview><mj-attributes>"
    '<mj-all font-family="-apple-system, Segoe UI, Helvetica, Arial, sans-serif" />'
    f'<mj-text font-size="16px" line-height="1.5" color="{INK}" padding="8px 25px 0" />'
    '<mj-button font-size="16px" font-weight="600" border-radius="6px" padding="16px 25px 8px" />'
    '<mj-image padding="12px 25px 4px" fluid-on-mobile="true" /></mj-attributes>'
)

_SIZES = {"h1": "28px", "h2": "22px", "h3": "18px", "subtext": "13px"}
_DARK_LUMA = 150
_PLAIN = Frame()


class _Page:
    """Collects the structure and, numbered as its slots, the HTML that goes into it."""

    def __init__(self, title: str, preview: str, dress: Frame) -> None:
        self.slots = [escape(title), escape(preview)]
        self.body: list[str] = []
        # Pixels that an image may be wide.
        self.room = float(INNER_WIDTH)
        self.dress = dress
        self.accent = dress.primary or ACCENT

    def slot(self, html: str) -> str:
        self.slots.append(html)
        return f"@@{len(self.slots) - 1}@@"

    def add(self, tag: str, content: str, **attributes: str | None) -> None:
        given = "".join(
            f' {name.replace("_", "-")}="{escape(value)}"' for name, value in attributes.items() if value
        )
        self.body.append(f"<{tag}{given}>{content}</{tag}>")

    def rendered(self, elements: Iterable[Element]) -> str:
        """The structure of these elements."""
        self.body = []
        for element in elements:
            _RENDERERS[type(element)](self, element)
        return "".join(self.body)


def page(
    elements: tuple[Element, ...],
    title: str,
    preview: str,
    dress: Frame | None = None,
    padding: str | None = None,
) -> str:
    """The whole HTML document; ``dress``: the brand's, None: a plain page. ``padding``: around the content.

    Raises:
        ValueError: the brand's own page is malformed MJML.
    """
    sheet = _Page(title, preview, dress or _PLAIN)
    shown = [element for element in elements if type(element) in _RENDERERS]
    literals, order = _compiled(_source(sheet, shown, padding or PADDING))
    out = [literals[0]]
    for number, literal in zip(order, literals[1:], strict=True):
        out += (sheet.slots[number], literal)
    return "".join(out)


def _source(sheet: _Page, elements: Sequence[Element], padding: str) -> str:
    around = surroundings(sheet.dress, sheet.slot)
    content = _content(sheet, elements, around, padding)
    body = f'<mj-body width="{around.width}px" background-color="{around.background}">'
    return (
        f"<mjml><mj-head>{_HEAD}{around.head}</mj-head>"
        f"{body}{around.above}{content}{around.below}</mj-body></mjml>"
    )


def _content(sheet: _Page, elements: Sequence[Element], around: Surroundings, padding: str) -> str:
    attributes = f'background-color="{around.paper}" padding="{escape(padding)}"'
    if all(element.cell is None for element in elements):
        return f"<mj-section {attributes}><mj-column>{sheet.rendered(elements)}</mj-column></mj-section>"
    rows = [[*row] for _, row in groupby(elements, key=lambda one: one.cell and one.cell.row)]
    sections = "".join(_row(sheet, row, around.width) for row in rows)
    return f"<mj-wrapper {attributes}>{sections}</mj-wrapper>"


def _row(sheet: _Page, elements: Sequence[Element], width: int) -> str:
    """Columns side by side, or what stands across the whole page."""
    cell = elements[0].cell
    if cell is None:
        body = sheet.rendered(elements)
        return f'<mj-section padding="0"><mj-column>{body}</mj-column></mj-section>'
    width -= 2 * columns.inset(cell)
    widths, gap = columns.shares(cell, width)
    bodies = {}
    for number in range(len(widths)):
        sheet.room = max(1.0, width * widths[number] / 100 - SIDES)
        bodies[number] = sheet.rendered(one for one in elements if one.cell and one.cell.column == number)
    sheet.room = INNER_WIDTH
    return columns.section(cell, bodies, widths, gap)


@lru_cache(maxsize=128)
def _compiled(source: str) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The page around its slots, and which slot stands between which two pieces."""
    pieces = _SLOT.split(compile_mjml(source))
    return tuple(pieces[::2]), tuple(int(number) for number in pieces[1::2])


def compile_mjml(source: str) -> str:
    """MJML as HTML. Raises ValueError when it is malformed."""
    return str(mjml2html(source, disable_comments=False))


# --- one function per element --------------------------------------------------------------------


def _text(sheet: _Page, text: Text) -> None:
    if not text.content.strip():
        return
    heading = text.text_style if text.text_style[0] == "h" else None
    decoration = ("underline " * text.underline + "line-through" * text.strikethrough).strip()
    sheet.add(
        "mj-text",
        sheet.slot(_heading(heading, text.content) if heading else _blocks_of(text)),
        align=text.align,
        color=text.color or (MUTED if text.text_style == "subtext" else None),
        font_size=text.font_size or _SIZES.get(text.text_style),
        line_height=text.line_height or ("1.3" if heading else None),
        font_weight="700" if text.bold or heading else None,
        font_style="italic" if text.italic else None,
        text_decoration=decoration or None,
    )


def _heading(tag: str, markdown: str) -> str:
    return f'<{tag} style="margin:0;font-size:inherit;font-weight:inherit">{to_html(markdown, True)}</{tag}>'


def _blocks_of(text: Text) -> str:
    return itemized(blocks(text.content), text.items)


def blocks(markdown: str) -> str:
    """Markdown as HTML with its margins and image sizes inline, where every mail client reads them."""
    html = to_html(markdown).replace("<img ", '<img style="max-width:100%;height:auto" ')
    return html.replace("<p>", '<p style="margin:0 0 8px">')


def _quote(sheet: _Page, quote: Quote) -> None:
    style = f"margin:0;padding:4px 0 0 16px;border-left:4px solid {escape(quote.border_color or '#d1d5db')}"
    html = f'<blockquote style="{style}">{blocks(quote.content)}</blockquote>'
    sheet.add(
        "mj-text",
        sheet.slot(html),
        align=quote.align,
        font_size=quote.font_size or _SIZES.get(quote.text_style),
        line_height=quote.line_height,
    )


def _action(sheet: _Page, action: Action) -> None:
    if not action.href:
        return None
    if action.style in {"tertiary", "link"}:
        return _link(sheet, action)
    filled = action.style == "button"
    accent = action.background_color or (None if filled else sheet.dress.secondary) or sheet.accent
    sheet.add(
        "mj-button",
        sheet.slot(escape(action.content)),
        href=sheet.slot(escape(action.href)),
        align="center" if action.align == "full" else action.align,
        width="100%" if action.align == "full" else None,
        background_color=accent if filled else "#ffffff",
        color=_ink_on(accent) if filled else accent,
        border=f"{action.border_size or '1px'} solid {accent}" if action.border_size or not filled else None,
        border_radius=action.border_radius,
        inner_padding=action.padding,
        font_size=action.font_size,
    )
    return None


def _link(sheet: _Page, action: Action) -> None:
    color = (action.background_color if action.style == "tertiary" else None) or sheet.accent
    style = f"color:{escape(color)};text-decoration:underline"
    html = f'<a href="{escape(action.href)}" target="_blank" style="{style}">{escape(action.content)}</a>'
    align = "center" if action.align == "full" else action.align
    sheet.add("mj-text", sheet.slot(html), align=align, font_size=action.font_size)


def _ink_on(color: str) -> str:
    """Black or white, whichever reads better on a color."""
    digits = color.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    if not re.fullmatch(r"[0-9a-fA-F]{6}", digits):
        return "#ffffff"
    red, green, blue = (int(digits[at : at + 2], 16) for at in (0, 2, 4))
    return "#ffffff" if 0.299 * red + 0.587 * green + 0.114 * blue < _DARK_LUMA else "#111827"


def _image(sheet: _Page, image: Image) -> None:
    color = image.border_color or ("#d1d5db" if image.border_size else None)
    sheet.add(
        "mj-image",
        "",
        src=sheet.slot(escape(image.src)),
        alt=sheet.slot(escape(image.alt_text or "")),
        href=sheet.slot(escape(image.href)) if image.href else None,
        width=_pixels(image.width, sheet.room),
        padding=image.padding,
        border=f"{image.border_size or '1px'} solid {color}" if color else None,
        align="center" if image.align == "full" else image.align,
    )


def _pixels(width: str | None, room: float) -> str | None:
    number = float(width.rstrip("px%")) if width else 0
    if width and width.endswith("%"):
        number = room * number / 100
    return f"{min(round(number), round(room))}px" if number else None


def _divider(sheet: _Page, divider: Divider) -> None:
    color = divider.color or "#e5e7eb"
    sheet.add("mj-divider", "", border_width="1px", border_color=color, padding="20px 25px 12px")


def _html(sheet: _Page, html: Html) -> None:
    sheet.add("mj-text", sheet.slot(html.content))


_RENDERERS: Mapping[type, Callable[[_Page, Any], None]] = {
    Action: _action,
    Divider: _divider,
    Html: _html,
    Image: _image,
    Quote: _quote,
    Text: _text,
}
