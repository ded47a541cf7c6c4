"""A list in an email: HTML and how its items look go in, HTML with their marks and colors comes out."""

from collections.abc import Sequence
from html import escape

from notify.model.document import Item


def itemized(html: str, items: Sequence[Item] | None) -> str:
    """Every item, in the order in which they are read, in its look."""
    """A list with its items' own marks and colors."""
    pieces = html.split("<li>")
    if not items or len(pieces) != len(items) + 1:
        # A list that somebody wrote inside an item: whose item is whose cannot be told.
        return html
    first, *rest = pieces
    return first + "".join(_item(item) + piece for item, piece in zip(items, rest, strict=True))


def _item(item: Item) -> str:
    color = f"background-color:{escape(item.background_color)};" if item.background_color else ""
    if not item.image:
        return f'<li style="{color}">' if color else "<li>"
    style = "width:1em;height:1em;vertical-align:middle;margin-right:8px;border:0"
    image = f'<img src="{escape(item.image)}" alt="" style="{style}" />'
    linked = f'<a href="{escape(item.href)}" target="_blank">{image}</a>' if item.href else image
    return f'<li style="{color}list-style-type:none">{linked}'
