"""A resolved document: Elemental after control flow, variables and locale, still channel-neutral.

``render`` makes it, ``deliver`` turns it into one channel's output. All strings are final text;
``Text`` and ``Quote`` hold Markdown in which data values are already escaped, so that a value can
never become a link, a heading or HTML.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Discriminator, TypeAdapter

Align = Literal["left", "center", "right", "full"]
TextStyle = Literal["text", "h1", "h2", "h3", "subtext"]
Channels = tuple[str, ...] | None
"""The channels or provider keys an element is limited to; None is all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """How one of several columns looks; CSS, for email. ``width``: pixels or percent, None is its share."""

    width: str | None = None
    background_color: str | None = None
    padding: str | None = None
    border_radius: str | None = None
    border_color: str | None = None
    border_width: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Where an element stands in an email: in which of the ``columns`` side by side, of which ``row``.

    Said by every element of its own, so that all other channels have one sequence to read.
    """

    row: int
    column: int
    columns: tuple[Column, ...]
    gap: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """How a list's item looks in email. ``image`` stands in the place of its mark, ``href`` is its link."""

    background_color: str | None = None
    image: str | None = None
    href: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How a piece of a text looks in email, besides what Markdown says; CSS. ``width``: of an image in it."""

    color: str | None = None
    highlight: str | None = None
    underline: bool = False
    text_style: TextStyle | None = None
    width: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spans:
    """A text's Markdown with marks around its pieces, each with the number of its look; see
    ``notify.content.spans``.
    """

    content: str
    looks: tuple[Look, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Meta:
    title: str
    channels: Channels = None
    cell: Cell | None = None
    type: Literal["meta"] = "meta"


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """``content`` is Markdown. ``font_size``, ``line_height``: CSS, for email.

    ``items``: of a list, each of them in the order in which they are read, those of lists inside it too.
    ``spans``: the same text for email, if pieces of it have looks of their own.
    """

    content: str
    align: Align = "left"
    text_style: TextStyle = "text"
    font_size: str | None = None
    line_height: str | None = None
    color: str | None = None
    bold: bool = False
    italic: bool = False
    strikethrough: bool = False
    underline: bool = False
    items: tuple[Item, ...] | None = None
    spans: Spans | None = None
    channels: Channels = None
    cell: Cell | None = None
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """``href`` is empty when the author's URL had a scheme that is not allowed.

    ``disable_tracking``: it leads to ``href`` itself, whatever is tracked. ``border_size``,
    ``border_radius``, ``padding``, ``font_size``: CSS, for email.
    """

    content: str
    href: str
    action_id: str | None = None
    style: Literal["button", "secondary", "tertiary", "link"] = "button"
    align: Align = "center"
    background_color: str | None = None
    border_radius: str | None = None
    border_size: str | None = None
    padding: str | None = None
    font_size: str | None = None
    disable_tracking: bool = False
    channels: Channels = None
    cell: Cell | None = None
    type: Literal["action"] = "action"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    src: str
    href: str | None = None
    alt_text: str | None = None
    width: str | None = None
    padding: str | None = None
    border_color: str | None = None
    border_size: str | None = None
    align: Align = "center"
    channels: Channels = None
    cell: Cell | None = None
    type: Literal["image"] = "image"


@dataclass(frozen=True, slots=True, kw_only=True)
class Divider:
    color: str | None = None
    channels: Channels = None
    cell: Cell | None = None
    type: Literal["divider"] = "divider"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """``content`` is Markdown."""

    content: str
    align: Align = "left"
    border_color: str | None = None
    text_style: TextStyle = "text"
    font_size: str | None = None
    line_height: str | None = None
    channels: Channels = None
    cell: Cell | None = None
    type: Literal["quote"] = "quote"


@dataclass(frozen=True, slots=True, kw_only=True)
class Html:
    """Email only; the author's HTML, with data values escaped."""

    content: str
    channels: Channels = None
    cell: Cell | None = None
    type: Literal["html"] = "html"


Element = Annotated[Meta | Text | Action | Image | Divider | Quote | Html, Discriminator("type")]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelBlock:
    """The content of one channel (``email``), one provider (``slack``) or ``default``.

    ``error``: the block could not be rendered; that channel fails with it and the others go on. ``padding``:
    around everything; CSS, for email.
    """

    channel: str
    elements: tuple[Element, ...] = ()
    raw: dict[str, Any] | None = None
    error: str | None = None
    channels: Channels = None
    padding: str | None = None
    type: Literal["channel"] = "channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFrame:
    """A brand's own page around the content, of HTML or of MJML: ``head``, ``header`` and ``footer`` are its
    source.

    ``width`` in pixels.
    """

    head: str = ""
    header: str = ""
    footer: str = ""
    mjml: bool = False
    width: int | None = None
    background: str | None = None
    blocks_background: str | None = None
    footer_background: str | None = None
    footer_full_width: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """How an email is dressed, by the brand as it was when the message was rendered.

    ``name``: the brand's, for who does not see its logo. ``bar``: the color of the line above
    everything. ``footer`` is Markdown, ``head`` HTML; ``social``: names
    and URLs. ``own``: the brand's own page; then there is no header or footer of ours.
    """

    primary: str | None = None
    secondary: str | None = None
    name: str | None = None
    bar: str | None = None
    logo: str | None = None
    logo_href: str | None = None
    footer: str | None = None
    social: tuple[tuple[str, str], ...] | None = None
    head: str | None = None
    own: OwnFrame | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """Either flat (``elements``) or split into channel ``blocks``, never both.

    ``untracked``: the URLs of links in texts whose author wants no tracking. ``envelope``: the template's own
    ``from, reply_to, cc, bcc`` for email. ``frame``: the brand's, for email.
    """

    elements: tuple[Element, ...] = ()
    blocks: tuple[ChannelBlock, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    untracked: tuple[str, ...] | None = None
    envelope: dict[str, Any] | None = None
    frame: Frame | None = None


DOCUMENT: TypeAdapter[Document] = TypeAdapter(Document)
"""Reads and writes a Document as JSON."""
