"""Twilio Programmable Messaging, 2010-04-01.

Rules from https://www.twilio.com/docs/messaging/api/message-resource (form fields, 201 with ``sid``) and
https://www.twilio.com/docs/api/errors (``{"code", "message", "more_info", "status"}``).
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any, Self
from urllib.parse import quote, urlencode

from pydantic import Field, model_validator

from notify.errors import ContentError
from notify.model.call import (
    Accepted,
    Answer,
    Blame,
    HttpAnswer,
    HttpCall,
    Outcome,
    Outgoing,
    Permanent,
    Transient,
)  # fmt: skip
from notify.model.names import Channel
from notify.model.output import SmsOutput
from notify.model.receipt import Callback, Reported, StatusUpdate
from notify.providers import receipts
from notify.providers.answers import clean, failed, is_busy, json_object, retry_after_s, succeeded, unanswered
from notify.providers.base import HttpUrl, ProviderSettings, Secret, lacks
from notify.providers.request import FORM, apply_override, basic

_TRANSIENT = frozenset(
    {
        20429,  # too many requests
        20500, 20503,  # Twilio's own trouble
        21611,  # the sender's queue is full
        30001,  # queue overflow
        30008,  # unknown error
        30009,  # a part of the message went missing
    }
)  # fmt: skip
_BY_CODE: Mapping[int, Blame] = {
    **dict.fromkeys(
        (
            21211,  # not a valid number
            21214,  # cannot be reached
            21217,  # looks wrong
            21265, 21266,  # a short code; the sender itself
            21408,  # region not permitted
            21604,  # no recipient
            21610,  # opted out
            21612,  # no route to it
            21614, 21635,  # no mobile number; a landline
            30003, 30004, 30005, 30006,  # unreachable, blocked, unknown, landline or unreachable carrier
            30011,  # its network takes no MMS
            60200,  # parameter invalid, the number in practice
        ),
        Blame.RECIPIENT,
    ),
    **dict.fromkeys(
        (
            21602, 21605, 21617, 21619,  # empty body, too long, no content
            30007,  # filtered by the carrier for what it says
            30019,  # content larger than the carrier's limit
        ),
        Blame.CONTENT,
    ),
    **dict.fromkeys(
        (
            20003, 20005, 20006, 20008, 20403, 20404,  # credentials, suspended, forbidden, no such account
            21212, 21603, 21606, 21607, 21608, 21659, 21660, 21661,  # the sender is not usable; trial account
            21701, 21702, 21703, 21704, 21705,  # the messaging service is not usable
            30002, 30010, 30032, 30034,  # suspended, price limit, sender not verified or registered
            63038,  # daily limit of the account
        ),
        Blame.PROVIDER,
    ),
}  # fmt: skip
_FAILED = frozenset({"failed", "undelivered", "canceled"})


# By ``MessageStatus``; queued, sending, sent and accepted say no more than the answer to the request.
_EVENTS = {
    "delivered": Reported.DELIVERED,
    "read": Reported.OPENED,
    "undelivered": Reported.FAILED,
    "failed": Reported.FAILED,
}
_NO_SUCH_NUMBER = frozenset({"21211", "21614", "30005", "30006"})


class TwilioSettings(ProviderSettings):
    """``from_number`` (number, short code or sender id) or ``messaging_service_sid`` says who sends."""

    account_sid: str = Field(pattern=r"^AC[0-9a-zA-Z]{1,64}$")
    auth_token: Secret
    from_number: str | None = Field(default=None, min_length=1)
    messaging_service_sid: str | None = Field(default=None, pattern=r"^MG[0-9a-zA-Z]{1,64}$")
    base_url: HttpUrl = "https://api.twilio.com"

    @model_validator(mode="after")
    def _a_sender(self) -> Self:
        if not (self.from_number or self.messaging_service_sid):
            raise ValueError("from_number or messaging_service_sid is required")
        return self

    def sender(self) -> dict[str, str]:
        if self.messaging_service_sid:
            return {"MessagingServiceSid": self.messaging_service_sid}
        return {"From": self.from_number or ""}


class Twilio:
    key = "twilio"
    name = "Twilio"
    description = "Sends SMS through the Twilio Programmable Messaging API."
    channels = (Channel.SMS,)
    Settings = TwilioSettings

    def missing(
        self, profile: Mapping[str, Any], channel: Channel, settings: TwilioSettings | None = None
    ) -> str | None:
        return lacks(profile, "phone_number")

    def request(self, outgoing: Outgoing, settings: TwilioSettings) -> HttpCall:
        if not isinstance(outgoing.output, SmsOutput):
            raise ContentError("twilio sends SMS output only")
        settings = settings.with_config(outgoing.override)
        fields = {"To": _number(outgoing.profile), **settings.sender(), "Body": outgoing.output.body}
        if outgoing.callback_url:
            fields["StatusCallback"] = outgoing.callback_url
        call = HttpCall(
            method="POST",
            url=f"{settings.base_url}/2010-04-01/Accounts/{quote(settings.account_sid)}/Messages.json",
            headers={
                "content-type": FORM,
                "authorization": basic(settings.account_sid, settings.auth_token.get_secret_value()),
            },
            body=urlencode(fields).encode(),
        )
        return apply_override(call, outgoing.override)

    def probe(self, settings: TwilioSettings) -> HttpCall:
        """https://www.twilio.com/docs/iam/api/account: the account itself."""
        token = settings.auth_token.get_secret_value()
        return HttpCall(
            method="GET",
            url=f"{settings.base_url}/2010-04-01/Accounts/{quote(settings.account_sid)}.json",
            headers={"authorization": basic(settings.account_sid, token)},
        )

    def outcome(self, answer: Answer) -> Outcome:
        if not isinstance(answer, HttpAnswer):
            return unanswered(answer)
        body = json_object(answer)
        if not succeeded(answer):
            return _refused(answer, _code(body.get("code")), body.get("message"))
        if body.get("status") in _FAILED:
            return _refused(answer, _code(body.get("error_code")), body.get("error_message"))
        return Accepted(reference={"sid": str(body["sid"])} if "sid" in body else {})

    def webhook(self, callback: Callback, settings: TwilioSettings) -> Sequence[StatusUpdate]:
        """A status callback, https://www.twilio.com/docs/messaging/guides/track-outbound-message-status."""
        form = receipts.form(callback.body)
        _check_signature(callback, form, settings.auth_token.get_secret_value())
        reported = _reported(form)
        if reported is None:
            return ()
        message_id, delivery_id = receipts.called_about(callback.url)
        return (
            StatusUpdate(
                event=reported,
                message_id=message_id,
                delivery_id=delivery_id,
                reference={"sid": clean(form.get("MessageSid", ""))},
                reason=clean(f"{form.get('ErrorCode', '')} {form.get('ErrorMessage', '')}") or None,
                raw=receipts.bounded(form),
            ),
        )


def _check_signature(callback: Callback, form: Mapping[str, str], auth_token: str) -> None:
    """https://www.twilio.com/docs/usage/security: the URL and the sorted fields, HMAC-SHA1."""
    signed = callback.url + "".join(f"{key}{form[key]}" for key in sorted(form))
    made = b64encode(hmac.digest(auth_token.encode(), signed.encode(), "sha1"))
    if not hmac.compare_digest(made, callback.headers.get("x-twilio-signature", "").encode()):
        raise receipts.forged()


def _reported(form: Mapping[str, str]) -> Reported | None:
    reported = _EVENTS.get(form.get("MessageStatus", ""))
    bounced = reported is Reported.FAILED and form.get("ErrorCode") in _NO_SUCH_NUMBER
    return Reported.BOUNCED if bounced else reported


def _code(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _refused(answer: HttpAnswer, code: int, message: Any) -> Outcome:
    reason = f"{code} {message or ''}" if code else str(message or "")
    if code in _TRANSIENT:
        return Transient(reason=clean(reason), retry_after_s=retry_after_s(answer), busy=is_busy(answer))
    blame = _BY_CODE.get(code)
    if succeeded(answer):
        return Permanent(reason=clean(reason) or "failed", blame=blame or Blame.RECIPIENT)
    # 404 is the account in the URL, never the recipient.
    return failed(answer, reason, blame or (Blame.PROVIDER if answer.status == 404 else None))


def _number(profile: Mapping[str, Any]) -> str:
    number = str(profile.get("phone_number", "")).strip()
    if not number or not number.isprintable():
        raise ContentError("profile.phone_number is not a phone number")
    return number
