"""One mail as every e-mail adapter understands it: the output, the sender and the message's override.

In: an ``Outgoing``. Out: a ``Mail``, from which an adapter makes MIME or its vendor's JSON. The override
words ``subject, from, reply_to, cc, bcc, html, text, attachments`` mean the same for every adapter; the
output's envelope holds those of the channel, over which the provider's override wins.
"""

from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from notify.errors import ContentError
from notify.model.call import Outgoing
from notify.model.output import EmailOutput
from notify.providers.base import ProviderSettings
from notify.providers.email.address import Address, HeaderText, Mailbox, check_text, mailbox, mailboxes
from notify.providers.request import check_headers

OVERRIDE_WORDS = frozenset(
    {"subject", "from", "reply_to", "cc", "bcc", "html", "text", "attachments", "brand", "tracking"}
)
MAX_COPIES = 500
MAX_ATTACHMENTS = 100
MAX_ATTACHED_BYTES = 20 * 1024 * 1024
_STRUCTURAL = frozenset(
    {"from", "to", "cc", "bcc", "date", "message-id", "subject", "mime-version", "sender"}
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
    headers: Mapping[str, str] = field(default_factory=dict)


def compose(outgoing: Outgoing, settings: MailSettings, words: Mapping[str, Any]) -> Mail:
    """The mail ``outgoing`` asks for; ``words`` is the part of its override written in ``OVERRIDE_WORDS``.

    Raises:
        ContentError: an address, name, subject or attachment cannot be said, or there is nothing to say.
    """
    output = outgoing.output
    if not isinstance(output, EmailOutput):
        raise ContentError("an e-mail provider sends e-mail output only")
    words = {**output.envelope, **words}
    text, html = _body(words, "text", output.text), _body(words, "html", output.html)
    if not text and not html:
        raise ContentError("the e-mail has neither text nor html")
    reply_to = words.get("reply_to") or settings.reply_to
    return Mail(
        sender=_sender(words, settings),
        to=mailbox({"email": outgoing.profile.get("email")}, "profile.email"),
        cc=_copies(words, "cc"),
        bcc=_copies(words, "bcc"),
        reply_to=mailbox(reply_to, "reply_to") if reply_to else None,
        subject=_subject(words.get("subject", output.subject)),
        text=text,
        html=html,
        attachments=attachments(words.get("attachments")),
        headers=mail_headers(output.envelope.get("headers")),
    )


def mail_headers(value: Any) -> dict[str, str]:
    """Headers a message adds to its mail, names in lower case.

    Raises:
        ContentError: not a header, or one that the mail's own parts decide.
    """
    headers = check_headers(value or {}, "override.headers")
    if refused := [name for name in headers if name in _STRUCTURAL or name.startswith("content-")]:
        raise ContentError(f"override.headers may not set {', '.join(refused)}")
    return headers


def _copies(words: Mapping[str, Any], key: str) -> tuple[Mailbox, ...]:
    boxes = mailboxes(words.get(key), key)
    if len(boxes) > MAX_COPIES:
        raise ContentError(f"{key} may name at most {MAX_COPIES} addresses")
    return boxes


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
    if len(value) > MAX_ATTACHMENTS:
        raise ContentError(f"a mail may have at most {MAX_ATTACHMENTS} attachments")
    found = tuple(_attachment(item, f"attachments[{at}]") for at, item in enumerate(value))
    if sum(len(item.data) for item in found) > MAX_ATTACHED_BYTES:
        raise ContentError(f"attachments may have at most {MAX_ATTACHED_BYTES} bytes together")
    return found


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
