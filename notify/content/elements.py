"""One builder per element type: an element's fields go in, the resolved element comes out.

A builder answers None when there is nothing to show.
"""

from collections.abc import Callable, Mapping

from notify.content.fields import Fields
from notify.content.inline import Composed
from notify.expression import Escape
from notify.model.document import Action, Channels, Column, Divider, Html, Image, Meta, Quote, Text

Leaf = Meta | Text | Action | Image | Divider | Quote | Html


def meta(fields: Fields, channels: Channels) -> Meta:
    return Meta(title=fields.line("title"), channels=channels)


def text(fields: Fields, channels: Channels, composed: Composed | None = None) -> Text:
    """``composed``: what its children say, in place of the field."""
    return Text(
        content=fields.markdown() if composed is None else composed.content,
        align=fields.choice("align", "left", "center", "right"),
        text_style=fields.choice("text_style", "text", "h1", "h2", "h3", "subtext"),
        font_size=fields.size("font_size"),
        line_height=fields.height(),
        color=fields.color("color"),
        bold=fields.flag("bold"),
        italic=fields.flag("italic"),
        strikethrough=fields.flag("strikethrough"),
        underline=fields.flag("underline"),
        items=composed.items if composed else None,
        spans=composed.spans if composed else None,
        channels=channels,
    )


def action(fields: Fields, channels: Channels) -> Action:
    href = fields.link()
    if not href:
        fields.run.warn(f"{fields.at}.href", "is empty, so the action is not shown")
    return Action(
        content=fields.line("content"),
        href=href,
        action_id=fields.optional("action_id"),
        style=fields.choice("style", "button", "secondary", "tertiary", "link"),
        align=fields.choice("align", "center", "left", "right", "full"),
        background_color=fields.color("background_color"),
        border_radius=fields.size("border_radius"),
        border_size=fields.size("border_size"),
        padding=fields.size("padding"),
        font_size=fields.size("font_size"),
        disable_tracking=fields.flag("disable_tracking"),
        channels=channels,
    )


def image(fields: Fields, channels: Channels) -> Image | None:
    src = fields.image()
    if not src:
        fields.run.warn(f"{fields.at}.src", "is empty, so the image is not shown")
        return None
    return Image(
        src=src,
        href=fields.link() or None,
        alt_text=fields.optional("alt_text", "altText"),
        width=fields.width(),
        padding=fields.size("padding"),
        border_color=fields.color("border_color"),
        border_size=fields.size("border_size"),
        align=fields.choice("align", "center", "left", "right", "full"),
        channels=channels,
    )


def divider(fields: Fields, channels: Channels) -> Divider:
    return Divider(color=fields.color("color"), channels=channels)


def quote(fields: Fields, channels: Channels) -> Quote:
    return Quote(
        content=fields.markdown(),
        align=fields.choice("align", "left", "center", "right"),
        border_color=fields.color("border_color"),
        text_style=fields.choice("text_style", "text", "h1", "h2", "h3", "subtext"),
        font_size=fields.size("font_size"),
        line_height=fields.height(),
        channels=channels,
    )


def html(fields: Fields, channels: Channels) -> Html:
    return Html(content=fields.render("content", Escape.HTML), channels=channels)


def column(fields: Fields) -> Column:
    """How a column looks; what stands in it is built by itself."""
    return Column(
        width=fields.width(),
        background_color=fields.color("background_color"),
        padding=fields.size("padding"),
        border_radius=fields.size("border_radius"),
        border_color=fields.color("border_color"),
        border_width=fields.length("border_width"),
    )


BUILDERS: Mapping[str, Callable[[Fields, Channels], Leaf | None]] = {
    "meta": meta,
    "action": action,
    "image": image,
    "divider": divider,
    "quote": quote,
    "html": html,
}
"""The types that hold no other elements."""
