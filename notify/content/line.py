"""A text on one line, as subjects and names stand: text goes in, what may be shown of it comes out."""

import re

# Controls, and what turns the reading order of all that follows ("exe.gnp" shown as "png.exe"). The isolates
# that right-to-left names need end with the line and stay, as do the joiners of emoji.
_HIDDEN = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u202a-\u202e]")


def one_line(text: str) -> str:
    """``text`` without line breaks, control characters and overrides of the reading order."""
    return " ".join(_HIDDEN.sub("", text).split())
