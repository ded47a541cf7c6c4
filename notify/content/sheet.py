"""An email's page while it is made: its structure, and, numbered as its slots, the HTML that goes into it."""

from html import escape

from notify.content.chrome import WIDTH
from notify.model.document import Frame

ACCENT = "#1d4ed8"
SIDES = 50
INNER_WIDTH = WIDTH - SIDES


class Sheet:
    """``room``: the pixels that an image may be wide."""

    def __init__(self, title: str, preview: str, dress: Frame) -> None:
        self.slots = [escape(title), escape(preview)]
        self.body: list[str] = []
        self.room = float(INNER_WIDTH)
        self.dress = dress
        self.accent = dress.primary or ACCENT

    def slot(self, html: str) -> str:
        """What stands for a piece of HTML in the structure."""
        self.slots.append(html)
        return f"@@{len(self.slots) - 1}@@"

    def add(self, tag: str, content: str, **attributes: str | None) -> None:
        """One more piece of the structure; attributes without a value are left out."""
        given = "".join(
            f' {name.replace("_", "-")}="{escape(value)}"' for name, value in attributes.items() if value
        )
        self.body.append(f"<{tag}{given}>{content}</{tag}>")
