"""How each element looks in an email: an element in, its piece of the page's structure out."""

import re
from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

from notify.content import spans
from notify.content.chrome import MUTED
from notify.content.items import itemized
from notify.content.markdown import to_html
from notify.content.sheet import Sheet
from notify.content.spans import SIZES
from notify.model.document import Action, Divider, Element, Html, Image, Quote, Text

_DARK_LUMA = 150
_UNSIZED = re.compile(r"<img (?![^>]*\bstyle=)")


def rendered(sheet: Sheet, elements: Iterable[Element]) -> str:
    """The structure of these elements."""
    sheet.body = []
    for element in elements:
        RENDERERS[type(element)](sheet, element)
    return "".join(sheet.body)


def _text(sheet: Sheet, text: Text) -> None:
    if not text.content.strip():
        return
    heading = text.text_style if text.text_style[0] == "h" else None
    decoration = ("underline " * text.underline + "line-through" * text.strikethrough).strip()
    sheet.add(
        "mj-text",
        sheet.slot(_heading(heading, text) if heading else _blocks_of(text)),
        align=text.align,
        color=text.color or (MUTED if text.text_style == "subtext" else None),
        font_size=text.font_size or SIZES.get(text.text_style),
        line_height=text.line_height or ("1.3" if heading else None),
        font_weight="700" if text.bold or heading else None,
        font_style="italic" if text.italic else None,
        text_decoration=decoration or None,
    )


def _heading(tag: str, text: Text) -> str:
    words = spans.to_html(text.spans, inline=True) if text.spans else to_html(text.content, inline=True)
    return f'<{tag} style="margin:0;font-size:inherit;font-weight:inherit">{words}</{tag}>'


def _blocks_of(text: Text) -> str:
    html = spans.to_html(text.spans) if text.spans else to_html(text.content)
    return itemized(_spaced(html), text.items)


def _spaced(html: str) -> str:
    """The HTML with its margins and image sizes inline, where every mail client reads them."""
    sized = _UNSIZED.sub('<img style="max-width:100%;height:auto" ', html)
    return sized.replace("<p>", '<p style="margin:0 0 8px">')


def _quote(sheet: Sheet, quote: Quote) -> None:
    style = f"margin:0;padding:4px 0 0 16px;border-left:4px solid {escape(quote.border_color or '#d1d5db')}"
    html = f'<blockquote style="{style}">{_spaced(to_html(quote.content))}</blockquote>'
    sheet.add(
        "mj-text",
        sheet.slot(html),
        align=quote.align,
        font_size=quote.font_size or SIZES.get(quote.text_style),
        line_height=quote.line_height,
    )


def _action(sheet: Sheet, action: Action) -> None:
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


def _link(sheet: Sheet, action: Action) -> None:
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


def _image(sheet: Sheet, image: Image) -> None:
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


def _divider(sheet: Sheet, divider: Divider) -> None:
    color = divider.color or "#e5e7eb"
    sheet.add("mj-divider", "", border_width="1px", border_color=color, padding="20px 25px 12px")


def _html(sheet: Sheet, html: Html) -> None:
    sheet.add("mj-text", sheet.slot(html.content))


RENDERERS: Mapping[type, Callable[[Sheet, Any], None]] = {
    Action: _action,
    Divider: _divider,
    Html: _html,
    Image: _image,
    Quote: _quote,
    Text: _text,
}
