"""What stands around an email's content: a brand's dress in, pieces of MJML out.

Text goes into slots, like that of the content; only a brand's own MJML becomes part of the structure.
"""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

from notify.content.markdown import to_html
from notify.model.document import Frame, OwnFrame

MUTED = "#6b7280"
WIDTH = 600
PAPER = "#ffffff"
BACKGROUND = "#f3f4f6"
LOGO_WIDTH = 160
BAR_HEIGHT = 6

Slot = Callable[[str], str]
"""Keeps a piece of HTML and says what stands for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Pieces of MJML, and the sizes and colors of the page."""

    head: str = ""
    above: str = ""
    below: str = ""
    width: int = WIDTH
    background: str = BACKGROUND
    paper: str = PAPER


def surroundings(dress: Frame, slot: Slot) -> Surroundings:
    """Everything around the content."""
    if dress.own:
        return _own(dress.own, slot)
    return Surroundings(
        head=_raw(slot(dress.head)) if dress.head else "",
        above=_bar(dress) + _logo(dress, slot),
        below=_footer(dress, slot),
    )


def _raw(html: str) -> str:
    return f"<mj-raw>{html}</mj-raw>"


def _section(content: str, **attributes: str) -> str:
    given = "".join(f' {name.replace("_", "-")}="{escape(value)}"' for name, value in attributes.items())
    return f"<mj-section{given}><mj-column>{content}</mj-column></mj-section>"


def _bar(dress: Frame) -> str:
    if not dress.bar:
        return ""
    spacer = f'<mj-spacer height="{BAR_HEIGHT}px" />'
    return _section(spacer, background_color=dress.bar, padding="0")


def _logo(dress: Frame, slot: Slot) -> str:
    if not dress.logo:
        return ""
    link = f' href="{slot(escape(dress.logo_href))}"' if dress.logo_href else ""
    shown = f'src="{slot(escape(dress.logo))}" alt="{slot(escape(dress.name or ""))}"{link}'
    image = f'<mj-image {shown} width="{LOGO_WIDTH}px" align="left" />'
    return _section(image, background_color=PAPER, padding="16px 0 0")


def _footer(dress: Frame, slot: Slot) -> str:
    lines = [to_html(dress.footer)] if dress.footer else []
    if dress.social:
        style = f"color:{MUTED}"
        links = (f'<a href="{escape(url)}" style="{style}">{name}</a>' for name, url in dress.social)
        lines.append(f"<p>{' &middot; '.join(links)}</p>")
    if not lines:
        return ""
    html = "".join(lines).replace("<p>", '<p style="margin:0 0 8px">')
    text = f'<mj-text align="center" font-size="13px" color="{MUTED}">{slot(html)}</mj-text>'
    return _section(text, padding="16px 0")


def _own(own: OwnFrame, slot: Slot) -> Surroundings:
    def piece(source: str) -> str:
        return _unslotted(source) if own.mjml else _raw(slot(source)) if source else ""

    return Surroundings(
        head=piece(own.head),
        above=piece(own.header),
        below=_on_paper(own, slot) if own.footer_background and not own.mjml else piece(own.footer),
        width=own.width or WIDTH,
        background=escape(own.background or BACKGROUND),
        paper=escape(own.blocks_background or PAPER),
    )


def _on_paper(own: OwnFrame, slot: Slot) -> str:
    wide = {"full_width": "full-width"} if own.footer_full_width else {}
    text = f'<mj-text padding="0">{slot(own.footer)}</mj-text>' if own.footer else ""
    return _section(text, background_color=own.footer_background or PAPER, **wide)


def _unslotted(mjml: str) -> str:
    """A brand's own MJML cannot name a slot."""
    return mjml.replace("@@", "@&#64;")
