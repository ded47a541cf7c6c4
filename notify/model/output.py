"""What one channel sends: the finished content, before a provider's request is built from it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The ``content`` object of ``GET /messages/{id}/output``; unused keys are empty."""

    html: str = ""
    title: str = ""
    body: str = ""
    subject: str = ""
    text: str = ""
    blocks: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailOutput:
    """``envelope``: what a sender says about the mail as a whole, as they said it and not yet checked:
    ``from, reply_to, cc, bcc, headers, attachments``.
    """

    subject: str
    html: str
    text: str
    envelope: Mapping[str, Any] = field(default_factory=dict)

    def rendered(self) -> Rendered:
        return Rendered(subject=self.subject, html=self.html, text=self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsOutput:
    body: str

    def rendered(self) -> Rendered:
        return Rendered(body=self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    label: str
    url: str
    style: str = "button"


@dataclass(frozen=True, slots=True, kw_only=True)
class PushOutput:
    """``click_url``: what a tap opens (the first action's link). ``tracking_url``: where the app tells what
    became of it, the ``trackingUrl`` of its payload.
    """

    title: str
    body: str
    click_url: str | None = None
    image_url: str | None = None
    tracking_url: str | None = None

    def rendered(self) -> Rendered:
        return Rendered(title=self.title, body=self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboxOutput:
    """Also the banner channel. ``body`` keeps its Markdown."""

    title: str
    body: str
    actions: tuple[Button, ...] = ()

    def rendered(self) -> Rendered:
        return Rendered(title=self.title, body=self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatOutput:
    """``blocks``: channel-neutral pieces, in order, from which a chat provider builds its own.

    Each is ``{"type": "text" | "header" | "quote" | "divider" | "image" | "action", "text": Markdown or
    label, "url"?, "style"?}``; all values are strings. ``raw``: an author's own provider payload.
    """

    title: str
    text: str
    blocks: tuple[dict[str, str], ...] = ()
    raw: dict[str, Any] | None = None

    def rendered(self) -> Rendered:
        return Rendered(title=self.title, body=self.text, blocks=self.blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookOutput:
    """The JSON body that is posted: ``{"message": {"template", "to", "data", "content"}}``."""

    payload: dict[str, Any]
    title: str = ""
    body: str = ""

    def rendered(self) -> Rendered:
        return Rendered(title=self.title, body=self.body)


Output = EmailOutput | SmsOutput | PushOutput | InboxOutput | ChatOutput | WebhookOutput
