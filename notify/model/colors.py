"""Colors: what somebody wrote in, a CSS color and nothing more out."""

import re

_COLOR = re.compile(r"#[0-9a-fA-F]{3,8}|[a-zA-Z]{3,30}|(?:rgb|hsl)a?\([\d.,%/ deg]{1,40}\)")


def color(value: object) -> str | None:
    """The color; None when it is none."""
    return value if isinstance(value, str) and _COLOR.fullmatch(value) else None
