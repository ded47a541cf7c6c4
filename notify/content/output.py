"""From a document to one channel's output: the right block is chosen, then the channel's own file builds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from notify.content import chat, email, inbox, push, sms, webhook
from notify.content.links import Rewrite, in_html, relinked
from notify.errors import ContentError
from notify.model.document import ChannelBlock, Channels, Document, Element, Html
from notify.model.names import Channel
from notify.model.output import EmailOutput, Output

Elements = tuple[Element, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputContext:
    """What a webhook tells besides the content, and what becomes of links (None: they stay as they are)."""

    template: str | None
    data: Mapping[str, Any]
    profile: Mapping[str, Any]
    rewrite: Rewrite | None = None


_BUILDERS: Mapping[Channel, Callable[[Elements], Output]] = {
    Channel.SMS: sms.build,
    Channel.PUSH: push.build,
    Channel.INBOX: inbox.build,
    Channel.BANNER: inbox.build,
    Channel.DIRECT_MESSAGE: chat.build,
}

_RAW: Mapping[Channel, Callable[[Mapping[str, Any]], Output]] = {
    Channel.EMAIL: email.from_raw,
    Channel.SMS: sms.from_raw,
    Channel.PUSH: push.from_raw,
    Channel.INBOX: inbox.from_raw,
    Channel.BANNER: inbox.from_raw,
    Channel.DIRECT_MESSAGE: chat.from_raw,
    Channel.WEBHOOK: webhook.from_raw,
}


def build(document: Document, *, channel: Channel, provider: str, context: OutputContext) -> Output:
    """What this provider of this channel is to send.

    Raises:
        ContentError: the document has nothing for the channel, or its block could not be rendered.
    """
    built = _built(document, channel, provider, context)
    if document.envelope and isinstance(built, EmailOutput):
        return replace(built, envelope=document.envelope)
    return built


def _built(document: Document, channel: Channel, provider: str, context: OutputContext) -> Output:
    block = _chosen(document, channel, provider)
    if block is not None and block.error is not None:
        raise ContentError(block.error)
    if block is not None and block.raw is not None:
        return _RAW[channel](_raw(block.raw, channel, context))
    elements = _shown(document.elements if block is None else block.elements, channel, provider)
    if not elements and not serves(document, channel, provider):
        raise ContentError(f"the content has nothing for channel `{channel}`")
    if context.rewrite:
        elements = relinked(elements, context.rewrite, document.untracked or ())
    if channel is Channel.WEBHOOK:
        return webhook.build(elements, context.template, context.profile, context.data)
    if channel is Channel.EMAIL:
        return email.build(elements, document.frame, block.padding if block else None)
    return _BUILDERS[channel](elements)


def _raw(raw: Mapping[str, Any], channel: Channel, context: OutputContext) -> Mapping[str, Any]:
    """An author's own payload; only in the HTML of an email is it known what a link is."""
    if channel is not Channel.EMAIL or context.rewrite is None or not raw.get("html"):
        return raw
    return {**raw, "html": in_html(str(raw["html"]), context.rewrite)}


def serves(document: Document, channel: Channel, provider: str) -> bool:
    """Has the document anything for this provider of this channel? A block that failed counts."""
    if document.blocks:
        return _chosen(document, channel, provider) is not None
    return bool(_shown(document.elements, channel, provider))


def _chosen(document: Document, channel: Channel, provider: str) -> ChannelBlock | None:
    """The block of the provider, else of its channel, else the default."""
    blocks = [block for block in document.blocks if _admits(block.channels, channel, provider)]
    for name in (provider, channel, "default"):
        for block in blocks:
            if block.channel == name:
                return block
    return None


def _shown(elements: Elements, channel: Channel, provider: str) -> Elements:
    return tuple(
        element
        for element in elements
        if _admits(element.channels, channel, provider)
        and (channel is Channel.EMAIL or not isinstance(element, Html))
    )


def _admits(channels: Channels, channel: Channel, provider: str) -> bool:
    return channels is None or channel in channels or provider in channels
