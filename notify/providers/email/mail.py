"""One mail as every e-mail adapter understands it: the output, the sender and the message's override.

In: an ``Outgoing``. Out: a ``Mail``, from which an adapter makes MIME or its vendor's JSON. The override
words ``subject, from, reply_to, cc, bcc, html, text, attachments`` mean the same for every adapter.
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from notify.errors import ContentError
from notify.model.call import Outgoing
from notify.model.output import EmailOutput
from notify.providers.base import ProviderSettings
from notify.providers.email.address import Address, HeaderText, Mailbox, check_text, mailbox, mailboxes

OVERRIDE_WORDS = frozenset(
    {"subject", "from", "reply_to", "cc", "bcc", "html", "text", "attachments", "brand", "tracking"}
)


class MailSettings(ProviderSettings):
    """What every e-mail provider wants to know about the sender."""

    from_address: Address
    from_name: HeaderText = ""
    reply_to: Address | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    filename: str
    content_type: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """``html`` or ``text`` may be empty, not both."""

    sender: Mailbox
    to: Mailbox
    cc: tuple[Mailbox, ...]
    bcc: tuple[Mailbox, ...]
    reply_to: Mailbox | None
    subject: str
    text: str
    html: str
    attachments: tuple[Attachment, ...]


def compose(outgoing: Outgoing, settings: MailSettings, words: Mapping[str, Any]) -> Mail:
    """The mail ``outgoing`` asks for; ``words`` is the part of its override written in ``OVERRIDE_WORDS``.

    Raises:
        ContentError: an address, name, subject or attachment cannot be said, or there is nothing to say.
    """
    output = outgoing.output
    if not isinstance(output, EmailOutput):
        raise ContentError("an e-mail provider sends e-mail output only")
    text, html = _body(words, "text", output.text), _body(words, "html", output.html)
    if not text and not html:
        raise ContentError("the e-mail has neither text nor html")
    reply_to = words.get("reply_to") or settings.reply_to
    return Mail(
        sender=_sender(words, settings),
        to=mailbox({"email": outgoing.profile.get("email")}, "profile.email"),
        cc=mailboxes(words.get("cc"), "cc"),
        bcc=mailboxes(words.get("bcc"), "bcc"),
        reply_to=mailbox(reply_to, "reply_to") if reply_to else None,
        subject=_subject(words.get("subject", output.subject)),
        text=text,
        html=html,
        attachments=attachments(words.get("attachments")),
    )


def _subject(value: object) -> str:
    # Templates leave line ends behind; in a header they would be somebody else's headers.
    return check_text(" ".join(value.split()) if isinstance(value, str) else value, "the subject")


def _sender(words: Mapping[str, Any], settings: MailSettings) -> Mailbox:
    given = words.get("from")
    return mailbox(given, "from") if given else Mailbox(settings.from_address, settings.from_name)


def _body(words: Mapping[str, Any], key: str, default: str) -> str:
    value = words.get(key, default)
    if not isinstance(value, str):
        raise ContentError(f"{key} must be a text")
    return value


def attachments(value: Any) -> tuple[Attachment, ...]:
    """``[{filename, contentType | type, data | content, encoding?}]``: base64 unless ``encoding`` is utf-8.

    Raises:
        ContentError: an entry is not of this form.
    """
    if not value:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise ContentError("attachments must be a list of objects")
    return tuple(_attachment(item, f"attachments[{at}]") for at, item in enumerate(value))


def _attachment(item: Mapping[str, Any], name: str) -> Attachment:
    data = item.get("data", item.get("content"))
    if not isinstance(data, str):
        raise ContentError(f"{name} has no data")
    content_type = item.get("contentType") or item.get("type") or "application/octet-stream"
    return Attachment(
        filename=check_text(item.get("filename"), f"{name}.filename"),
        content_type=_media_type(content_type, name),
        data=_bytes(data, str(item.get("encoding", "base64")), name),
    )


def _media_type(value: object, name: str) -> str:
    text = check_text(value, f"{name}.contentType")
    if text.count("/") != 1 or not text.isascii() or " " in text or ";" in text:
        raise ContentError(f"{name}.contentType is not a media type")
    return text


def _bytes(data: str, encoding: str, name: str) -> bytes:
    if encoding in {"utf-8", "utf8"}:
        return data.encode()
    try:
        return b64decode("".join(data.split()), validate=True)
    except (Base64Error, ValueError):
        raise ContentError(f"{name} is not base64") from None
