"""Twilio SendGrid, Mail Send v3.

Rules from https://www.twilio.com/docs/sendgrid/api-reference/mail-send (fields, 202 with
``X-Message-Id``) and ``/mail-send/errors`` (400 with ``errors: [{message, field, help}]``).
"""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from notify.model.call import Accepted, Answer, Blame, HttpAnswer, HttpCall, Outcome, Outgoing
from notify.model.names import Channel
from notify.providers.answers import failed, json_object, succeeded, unanswered
from notify.providers.base import HttpUrl, Secret, lacks
from notify.providers.email.address import Mailbox
from notify.providers.email.mail import OVERRIDE_WORDS, Attachment, Mail, MailSettings, compose
from notify.providers.request import apply_override, json_call

_BY_FIELD: tuple[tuple[str, Blame], ...] = (
    ("personalizations", Blame.RECIPIENT),
    ("from", Blame.PROVIDER),
    ("reply_to", Blame.PROVIDER),
    ("asm", Blame.PROVIDER),
    ("ip_pool_name", Blame.PROVIDER),
    ("mail_settings", Blame.PROVIDER),
    ("tracking_settings", Blame.PROVIDER),
    ("content", Blame.CONTENT),
    ("subject", Blame.CONTENT),
    ("attachments", Blame.CONTENT),
    ("headers", Blame.CONTENT),
    ("custom_args", Blame.CONTENT),
    ("categories", Blame.CONTENT),
    ("template_id", Blame.CONTENT),
    ("send_at", Blame.CONTENT),
)
_BY_STATUS = {404: Blame.PROVIDER, 413: Blame.CONTENT}


class SendGridSettings(MailSettings):
    """``base_url``: https://api.eu.sendgrid.com for accounts in the EU region."""

    api_key: Secret
    base_url: HttpUrl = "https://api.sendgrid.com"


class SendGrid:
    key = "sendgrid"
    name = "SendGrid"
    description = "Sends e-mail through the Twilio SendGrid v3 API."
    channels = (Channel.EMAIL,)
    Settings = SendGridSettings

    def missing(
        self, profile: Mapping[str, Any], channel: Channel, settings: SendGridSettings | None = None
    ) -> str | None:
        return lacks(profile, "email")

    def request(self, outgoing: Outgoing, settings: SendGridSettings) -> HttpCall:
        settings = settings.with_config(outgoing.override)
        mail = compose(outgoing, settings, outgoing.override)
        call = json_call(
            f"{settings.base_url}/v3/mail/send",
            _payload(mail, outgoing.message_id),
            {"authorization": f"Bearer {settings.api_key.get_secret_value()}"},
        )
        rest = {key: value for key, value in outgoing.override.items() if key not in OVERRIDE_WORDS}
        return apply_override(call, rest)

    def outcome(self, answer: Answer) -> Outcome:
        if not isinstance(answer, HttpAnswer):
            return unanswered(answer)
        if succeeded(answer):
            return Accepted(reference=_reference(answer))
        field, message = _first_error(answer)
        return failed(answer, message, _BY_STATUS.get(answer.status) or _blame(answer.status, field))


def _payload(mail: Mail, message_id: str) -> dict[str, Any]:
    envelope = {"to": [mail.to], "cc": mail.cc, "bcc": mail.bcc}
    texts = {"text/plain": mail.text, "text/html": mail.html}
    payload: dict[str, Any] = {
        "personalizations": [{key: [*map(_box, boxes)] for key, boxes in envelope.items() if boxes}],
        "from": _box(mail.sender),
        "subject": mail.subject,
        "content": [{"type": kind, "value": value} for kind, value in texts.items() if value],
        "custom_args": {"notify_message_id": message_id},
    }
    if mail.reply_to:
        payload["reply_to"] = _box(mail.reply_to)
    if mail.attachments:
        payload["attachments"] = [*map(_attachment, mail.attachments)]
    return payload


def _box(box: Mailbox) -> dict[str, str]:
    return {"email": box.address, "name": box.name} if box.name else {"email": box.address}


def _attachment(item: Attachment) -> dict[str, str]:
    return {"content": b64encode(item.data).decode(), "type": item.content_type, "filename": item.filename}


def _reference(answer: HttpAnswer) -> dict[str, str]:
    message_id = answer.headers.get("x-message-id")
    return {"x-message-id": message_id} if message_id else {}


def _first_error(answer: HttpAnswer) -> tuple[str, str]:
    errors = json_object(answer).get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    return str(first.get("field") or ""), str(first.get("message") or "")


def _blame(status: int, field: str) -> Blame | None:
    if status != 400:
        return None
    # A 400 without a known field is our request, not somebody's address: the next provider may do better.
    return next((blame for prefix, blame in _BY_FIELD if field.startswith(prefix)), Blame.PROVIDER)
