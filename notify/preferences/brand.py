"""How the preference page looks: a brand's own colours in, readable ones out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_WHITE, _BLACK = "#ffffff", "#000000"
ACCENT = "#1d4ed8"
_READABLE = 4.5
"""Contrast of text by WCAG 2.1, level AA."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brand:
    """``color``: #rgb or #rrggbb; anything else is replaced. ``logo``: an https URL."""

    name: str | None = None
    logo: str | None = None
    color: str = ACCENT

    @property
    def accent(self) -> str:
        """The colour of what can be used, on white: the brand's own if it can be seen there."""
        return self.color if _is_hex(self.color) and contrast(self.color, _WHITE) >= _READABLE else ACCENT

    @property
    def bar(self) -> str:
        """The colour of the bar above the page."""
        return self.color if _is_hex(self.color) else ACCENT

    @property
    def on_bar(self) -> str:
        """The colour of text on the bar."""
        return max((_WHITE, _BLACK), key=lambda ink: contrast(ink, self.bar))


PLAIN = Brand()


def of(name: str, settings: Mapping[str, Any]) -> Brand:
    """A brand of the API. A logo whose URL has variables is none here, where there is no message."""
    header = (settings.get("email") or {}).get("header") or {}
    logo = str((header.get("logo") or {}).get("image") or "")
    usable = logo.startswith("https://") and "{" not in logo
    color = str((settings.get("colors") or {}).get("primary") or ACCENT)
    return Brand(name=name, logo=logo if usable else None, color=color)


def _is_hex(color: str) -> bool:
    return _HEX.fullmatch(color) is not None


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white), by WCAG 2.1."""
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(color: str) -> float:
    digits = color[1:] if len(color) == 7 else "".join(2 * digit for digit in color[1:])
    red, green, blue = (_linear(int(digits[at : at + 2], 16) / 255) for at in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
