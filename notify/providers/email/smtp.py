"""Any SMTP server. Replies are read by RFC 5321 4.2: the code says what, the stage whose fault it is."""

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, SecretStr, model_validator

from notify import clock
from notify.errors import ContentError
from notify.model.call import (
    Accepted,
    Answer,
    Blame,
    Outcome,
    Outgoing,
    Permanent,
    SmtpAnswer,
    SmtpCall,
    SmtpSecurity,
    SmtpServer,
    Transient,
)  # fmt: skip
from notify.model.names import Channel
from notify.providers.answers import clean, unanswered
from notify.providers.base import ProviderSettings, lacks
from notify.providers.email import mime
from notify.providers.email.mail import Mail, MailSettings, compose, mail_headers
from notify.providers.request import deep_merge

_BY_STAGE = {"rcpt": Blame.RECIPIENT}
_BY_CODE: Mapping[tuple[str, int], Blame] = {
    # Authentication is asked for or refused late, and relaying is denied: another provider may.
    ("rcpt", 530): Blame.PROVIDER,
    ("rcpt", 535): Blame.PROVIDER,
    ("rcpt", 554): Blame.PROVIDER,
    # Too big for this server is too big for most. Other refusals of the content (554, 550) are one
    # server's judgement of sender, account or wording: another provider may judge differently.
    ("data", 552): Blame.CONTENT,
}


class SmtpSettings(MailSettings):
    """Ports by custom: 587 with starttls, 465 with tls, 25 with none."""

    pinned: ClassVar[frozenset[str]] = ProviderSettings.pinned | {"host", "port", "security"}

    host: str = Field(min_length=1, pattern=r"^[^\s/@]+$")
    port: int = Field(default=587, ge=1, le=65535)
    security: SmtpSecurity = SmtpSecurity.STARTTLS
    username: str | None = None
    password: SecretStr | None = None

    @model_validator(mode="after")
    def _both_or_neither(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together")
        return self

    def server(self) -> SmtpServer:
        password = self.password.get_secret_value() if self.password else None
        return SmtpServer(
            host=self.host, port=self.port, security=self.security, username=self.username, password=password
        )


class Smtp:
    key = "smtp"
    name = "SMTP"
    description = "Sends e-mail through any SMTP server."
    channels = (Channel.EMAIL,)
    Settings = SmtpSettings

    def missing(
        self, profile: Mapping[str, Any], channel: Channel, settings: SmtpSettings | None = None
    ) -> str | None:
        return lacks(profile, "email")

    def request(self, outgoing: Outgoing, settings: SmtpSettings) -> SmtpCall:
        """The override's mail words may stand in it or under its ``body``; ``headers`` are mail headers."""
        settings = settings.with_config(outgoing.override)
        mail = compose(outgoing, settings, _words(outgoing.override))
        headers = {**mail.headers, **mail_headers(outgoing.override.get("headers"))}
        return SmtpCall(
            server=settings.server(),
            sender=mail.sender.address,
            recipients=tuple(box.address for box in (mail.to, *mail.cc, *mail.bcc)),
            data=mime.to_bytes(mail, _message_id(outgoing, mail), clock.now(), headers),
        )

    def probe(self, settings: SmtpSettings) -> SmtpCall:
        """Connect, say who we are, and leave."""
        return SmtpCall(server=settings.server(), sender="", recipients=(), data=b"")

    def outcome(self, answer: Answer) -> Outcome:
        if not isinstance(answer, SmtpAnswer):
            return unanswered(answer)
        if answer.stage == "data" and 200 <= answer.code < 300:
            return Accepted(reference={"response": clean(answer.text)})
        reason = f"SMTP {answer.code} at {answer.stage}: {clean(answer.text)}"
        if not 500 <= answer.code < 600:
            # Deferring a recipient, as greylisting does, is no outage.
            return Transient(reason=reason, busy=answer.stage == "rcpt")
        blame = _BY_CODE.get((answer.stage, answer.code)) or _BY_STAGE.get(answer.stage, Blame.PROVIDER)
        return Permanent(reason=reason, blame=blame)


def _words(override: Mapping[str, Any]) -> Mapping[str, Any]:
    body = override.get("body", {})
    if not isinstance(body, Mapping):
        raise ContentError("override.body must be an object")
    return deep_merge(override, body)


def _message_id(outgoing: Outgoing, mail: Mail) -> str:
    # The same for every attempt, so that a mail sent twice by a crash is shown once by most readers.
    key = re.sub(r"[^0-9A-Za-z._-]", "", outgoing.idempotency_key)
    return f"<{key}@{mail.sender.address.rpartition('@')[2]}>"
