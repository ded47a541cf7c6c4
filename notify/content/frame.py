"""The HTML frame of an email: elements go in, a responsive page comes out.

The page's structure is MJML made from nothing but element types and checked attributes; what people wrote
stands beside it as ready HTML and is put in after MJML has run. So no text can change the structure, and
pages of one structure are compiled once.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from html import escape
from itertools import groupby

from mjml import mjml2html

from notify.content import columns
from notify.content.chrome import Surroundings, surroundings
from notify.content.leaves import RENDERERS, rendered
from notify.content.sheet import INNER_WIDTH, SIDES, Sheet
from notify.model.document import Element, Frame

INK = "#1f2937"
PADDING = "24px 0"

_SLOT = re.compile(r"@@(\d+)@@")
_HEAD = (
    "<mj-title>@@0@@</mj-title><mj-preview>@@1@@</mj-preview><mj-attributes>"
    '<mj-all font-family="-apple-system, Segoe UI, Helvetica, Arial, sans-serif" />'
    f'<mj-text font-size="16px" line-height="1.5" color="{INK}" padding="8px 25px 0" />'
    '<mj-button font-size="16px" font-weight="600" border-radius="6px" padding="16px 25px 8px" />'
    '<mj-image padding="12px 25px 4px" fluid-on-mobile="true" /></mj-attributes>'
)

_PLAIN = Frame()


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
    sheet = Sheet(title, preview, dress or _PLAIN)
    shown = [element for element in elements if type(element) in RENDERERS]
    literals, order = _compiled(_source(sheet, shown, padding or PADDING))
    out = [literals[0]]
    for number, literal in zip(order, literals[1:], strict=True):
        out += (sheet.slots[number], literal)
    return "".join(out)


def _source(sheet: Sheet, elements: Sequence[Element], padding: str) -> str:
    around = surroundings(sheet.dress, sheet.slot)
    content = _content(sheet, elements, around, padding)
    body = f'<mj-body width="{around.width}px" background-color="{around.background}">'
    return (
        f"<mjml><mj-head>{_HEAD}{around.head}</mj-head>"
        f"{body}{around.above}{content}{around.below}</mj-body></mjml>"
    )


def _content(sheet: Sheet, elements: Sequence[Element], around: Surroundings, padding: str) -> str:
    attributes = f'background-color="{around.paper}" padding="{escape(padding)}"'
    if all(element.cell is None for element in elements):
        return f"<mj-section {attributes}><mj-column>{rendered(sheet, elements)}</mj-column></mj-section>"
    rows = [[*row] for _, row in groupby(elements, key=lambda one: one.cell and one.cell.row)]
    sections = "".join(_row(sheet, row, around.width) for row in rows)
    return f"<mj-wrapper {attributes}>{sections}</mj-wrapper>"


def _row(sheet: Sheet, elements: Sequence[Element], width: int) -> str:
    """Columns side by side, or what stands across the whole page."""
    cell = elements[0].cell
    if cell is None:
        body = rendered(sheet, elements)
        return f'<mj-section padding="0"><mj-column>{body}</mj-column></mj-section>'
    width -= 2 * columns.inset(cell)
    widths, gap = columns.shares(cell, width)
    bodies = {}
    for number in range(len(widths)):
        sheet.room = max(1.0, width * widths[number] / 100 - SIDES)
        bodies[number] = rendered(sheet, (one for one in elements if one.cell and one.cell.column == number))
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
