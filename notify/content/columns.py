"""Columns of an email side by side: their looks and contents go in, a section of MJML comes out.

Percent throughout, so that they share a page of any width; on a phone they stand one below the other.
"""

from collections.abc import Mapping, Sequence
from html import escape

from notify.model.document import Cell, Column

_WHOLE = 100.0
_LETTER = 16.0
INSET = 25
"""Pixels between a box and the edge of the page."""


def shares(cell: Cell, page: float) -> tuple[tuple[float, ...], float]:
    """The width of each column, and of the gap between two, in percent of ``page`` pixels.

    What asks for no width shares what the others leave; too much together is made less in proportion.
    """
    count = len(cell.columns)
    gap = min(_percent(cell.gap, page) or 0.0, _WHOLE / count / 2)
    room = 100.0 - gap * (count - 1)
    asked = [_percent(column.width, page) for column in cell.columns]
    given = sum(width for width in asked if width)
    open_ = sum(not width for width in asked)
    rest = (room - given) / open_ if open_ and given < room else room / count
    widths = [width or rest for width in asked]
    scale = min(1.0, room / sum(widths))
    return tuple(width * scale for width in widths), gap


def inset(cell: Cell) -> int:
    """Room on both sides: what has a color or a border does not touch the edge of the page."""
    return INSET * any(one.background_color or one.border_color or one.border_width for one in cell.columns)


def _percent(length: str | None, page: float) -> float | None:
    if not length:
        return None
    if length.endswith("%"):
        return float(length[:-1])
    unit = _LETTER if length.endswith("em") else 1.0
    return float(length.removesuffix("em").removesuffix("px")) * unit * 100 / page


def section(cell: Cell, bodies: Mapping[int, str], widths: Sequence[float], gap: float) -> str:
    """The columns with their contents, by number; one without is empty room."""
    columns = [
        _column(column, width, bodies.get(number, ""))
        for number, (column, width) in enumerate(zip(cell.columns, widths, strict=True))
    ]
    between = f'<mj-column width="{_written(gap)}"></mj-column>' if gap else ""
    return f'<mj-section padding="8px {inset(cell)}px 0">{between.join(columns)}</mj-section>'


def _column(column: Column, width: float, body: str) -> str:
    color = column.border_color or ("#d1d5db" if column.border_width else None)
    given = {
        "width": _written(width),
        "vertical-align": "top",
        "background-color": column.background_color,
        "padding": column.padding,
        "border": f"{column.border_width or '1px'} solid {color}" if color else None,
        "border-radius": column.border_radius,
    }
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in given.items() if value)
    return f"<mj-column{attributes}>{body}</mj-column>"


def _written(percent: float) -> str:
    # Rounded down: a hundredth too much, and the last column stands below the others.
    return f"{int(percent * 100) / 100:g}%"
