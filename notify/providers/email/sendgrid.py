"""Twilio SendGrid, Mail Send v3.

Rules from https://www.twilio.com/docs/sendgrid/api-reference/mail-send (fields, 202 with
``X-Message-Id``) and ``/mail-send/errors`` (400 with ``errors: [{message, field, help}]``); callbacks from
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event (the event webhook, its signature).
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import field_validator

from notify.errors import InvalidRequest
from notify.model.call import Accepted, Answer, Blame, HttpAnswer, HttpCall, Outcome, Outgoing
from notify.model.names import Channel
from notify.model.receipt import Callback, Reported, StatusUpdate
from notify.providers import receipts
from notify.providers.answers import clean, failed, json_object, succeeded, unanswered
from notify.providers.base import HttpUrl, ProviderSettings, Secret, lacks
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
_SIGNATURE = "x-twilio-email-event-webhook-signature"
_TIMESTAMP = "x-twilio-email-event-webhook-timestamp"
# processed and deferred say nothing final; unsubscribe is a matter of preferences.
_EVENTS = {
    "delivered": Reported.DELIVERED,
    "open": Reported.OPENED,
    "click": Reported.CLICKED,
    "bounce": Reported.BOUNCED,
    "dropped": Reported.FAILED,
    "spamreport": Reported.COMPLAINED,
}
_DROPPED = {
    "Bounced Address": Reported.BOUNCED,
    "Invalid": Reported.BOUNCED,
    "Spam Reporting Address": Reported.COMPLAINED,
}


class SendGridSettings(MailSettings):
    """``base_url``: https://api.eu.sendgrid.com for accounts in the EU region. ``webhook_public_key``: the
    verification key of the signed event webhook.
    """

    pinned: ClassVar[frozenset[str]] = ProviderSettings.pinned | {"webhook_public_key"}

    api_key: Secret
    base_url: HttpUrl = "https://api.sendgrid.com"
    webhook_public_key: str | None = None

    @field_validator("webhook_public_key")
    @classmethod
    def _a_key(cls, value: str | None) -> str | None:
        if value:
            _public_key(value)
        return value


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
            _payload(mail, outgoing.message_id, outgoing.idempotency_key),
            {"authorization": f"Bearer {settings.api_key.get_secret_value()}"},
        )
        rest = {key: value for key, value in outgoing.override.items() if key not in OVERRIDE_WORDS}
        return apply_override(call, rest)

    def probe(self, settings: SendGridSettings) -> HttpCall:
        """https://www.twilio.com/docs/sendgrid/api-reference/api-key-permissions: what the key may do."""
        headers = {"authorization": f"Bearer {settings.api_key.get_secret_value()}"}
        return HttpCall(method="GET", url=f"{settings.base_url}/v3/scopes", headers=headers)

    def outcome(self, answer: Answer) -> Outcome:
        if not isinstance(answer, HttpAnswer):
            return unanswered(answer)
        if succeeded(answer):
            return Accepted(reference=_reference(answer))
        field, message = _first_error(answer)
        return failed(answer, message, _BY_STATUS.get(answer.status) or _blame(answer.status, field))

    def webhook(self, callback: Callback, settings: SendGridSettings) -> Sequence[StatusUpdate]:
        """The signed event webhook; what it says of mails that are not ours matches nothing."""
        _check_signature(callback, settings)
        events = receipts.parsed(callback.body)
        if not isinstance(events, list):
            raise InvalidRequest("The body must be a list of events.")
        updates = (_update(event) for event in events if isinstance(event, dict))
        return [update for update in updates if update]


def _payload(mail: Mail, message_id: str, delivery_id: str) -> dict[str, Any]:
    envelope = {"to": [mail.to], "cc": mail.cc, "bcc": mail.bcc}
    texts = {"text/plain": mail.text, "text/html": mail.html}
    payload: dict[str, Any] = {
        "personalizations": [{key: [*map(_box, boxes)] for key, boxes in envelope.items() if boxes}],
        "from": _box(mail.sender),
        "subject": mail.subject,
        "content": [{"type": kind, "value": value} for kind, value in texts.items() if value],
        "custom_args": {"notify_message_id": message_id, "notify_delivery_id": delivery_id},
    }
    if mail.reply_to:
        payload["reply_to"] = _box(mail.reply_to)
    if mail.headers:
        payload["headers"] = {name.title(): value for name, value in mail.headers.items()}
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


# --- callbacks -----------------------------------------------------------------------------------


def _public_key(text: str) -> EllipticCurvePublicKey:
    """The key as SendGrid shows it: base64 of DER. ValueError when it is none."""
    key = load_der_public_key(b64decode(text, validate=True))
    if not isinstance(key, EllipticCurvePublicKey):
        raise ValueError("must be the verification key of the signed event webhook")
    return key


def _check_signature(callback: Callback, settings: SendGridSettings) -> None:
    if not settings.webhook_public_key:
        raise receipts.forged()
    signed = callback.headers.get(_TIMESTAMP, "").encode() + callback.body
    try:
        signature = b64decode(callback.headers.get(_SIGNATURE, ""), validate=True)
        _public_key(settings.webhook_public_key).verify(signature, signed, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        raise receipts.forged() from None


def _update(event: Mapping[str, Any]) -> StatusUpdate | None:
    reported = _reported(event)
    # An image that a mail program fetches by itself is not an open.
    if reported is None or event.get("sg_machine_open") is True:
        return None
    reference = str(event.get("sg_message_id") or "").split(".")[0]
    return StatusUpdate(
        event=reported,
        message_id=receipts.message_id(event.get("notify_message_id")),
        delivery_id=receipts.delivery_id(event.get("notify_delivery_id")),
        reference={"x-message-id": clean(reference)} if reference else {},
        at=receipts.instant(event.get("timestamp")),
        address=clean(event.get("email") or "") or None,
        reason=clean(event.get("reason") or event.get("response") or "") or None,
        raw=receipts.bounded(event),
    )


def _reported(event: Mapping[str, Any]) -> Reported | None:
    match event.get("event"), event.get("type"), event.get("reason"):
        case "bounce", "blocked", _:
            return Reported.FAILED
        case "dropped", _, str(reason) if reason in _DROPPED:
            return _DROPPED[reason]
        case str(name), _, _:
            return _EVENTS.get(name)
    return None
