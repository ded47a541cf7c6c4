"""An SMTP server that keeps every mail, and can refuse any sender, recipient or message."""

import asyncio
import ssl
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from notify.local.lab.server import KEPT, Server


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """One message as it was taken over. ``username``: who had logged in."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    username: str | None = None

    @property
    def message(self) -> EmailMessage:
        return message_from_bytes(self.data, policy=SMTP_POLICY)


class MailLab(Server):
    """Keeps what it takes over in ``mails``.

    ``refuse``: ``(stage, address) -> reply``, the stage ``mail``, ``rcpt`` or ``data``, the address ``*``
    for any. ``delay_s``: how long each message is thought about. ``users``: passwords by name; with them
    nobody sends without logging in. ``tls``: offers STARTTLS, or with ``implicit_tls`` speaks only TLS.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        users: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        implicit_tls: bool = False,
        kept: int = KEPT,
    ) -> None:
        super().__init__(port)
        self.users = users
        self.tls = tls
        self.implicit_tls = implicit_tls
        self.refuse: dict[tuple[str, str], str] = {}
        self.delay_s = 0.0
        self.mails: deque[Mail] = deque(maxlen=kept)
        self.open: set[asyncio.BaseTransport] = set()

    def to(self, address: str) -> list[Mail]:
        """What arrived for ``address``, oldest first."""
        return [mail for mail in tuple(self.mails) if address in mail.recipients]

    def break_connections(self) -> None:
        """End every open connection without a word, as a restarted server does."""
        self._do(self._break())

    async def _listen(self) -> asyncio.Server:
        context = self.tls if self.implicit_tls else None
        return await self._loop.create_server(lambda: _Dialogue(self), self.host, self.port, ssl=context)

    async def _break(self) -> None:
        for transport in tuple(self.open):
            cast(asyncio.Transport, transport).abort()

    # --- the hooks of aiosmtpd, by its names

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        envelope.mail_from = address
        return self._refusal("mail", address) or "250 OK"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = self._refusal("rcpt", address)
        if refusal is None:
            envelope.rcpt_tos.append(address)
        return refusal or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        await asyncio.sleep(self.delay_s)
        if refusal := self._refusal("data", *envelope.rcpt_tos):
            return refusal
        self.count += 1
        self.mails.append(_mail(session, envelope))
        return f"250 2.0.0 OK queued as {self.count}"

    def _refusal(self, stage: str, *addresses: str) -> str | None:
        found = (self.refuse.get((stage, address)) for address in (*addresses, "*"))
        return next(filter(None, found), None)


def _mail(session: Session, envelope: Envelope) -> Mail:
    auth = session.auth_data
    return Mail(
        sender=envelope.mail_from or "",
        recipients=tuple(envelope.rcpt_tos),
        data=cast(bytes, envelope.content),
        username=auth.login.decode() if isinstance(auth, LoginPassword) else None,
    )


class _Dialogue(SMTP):
    """One connection."""

    def __init__(self, lab: MailLab) -> None:
        self._lab = lab
        starttls = None if lab.implicit_tls else lab.tls
        super().__init__(
            lab,
            hostname="lab.local",
            enable_SMTPUTF8=True,
            loop=lab._loop,
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=lab.users is not None,
            auth_require_tls=starttls is not None,
            auth_exclude_mechanism=() if lab.users else ("LOGIN", "PLAIN"),
            authenticator=self._login,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._lab.connections += transport.get_extra_info("sslcontext") is None or self._lab.implicit_tls
        self._lab.open.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._lab.open.discard(self.transport)
        super().connection_lost(error)

    def _login(self, server: Any, session: Any, envelope: Any, mechanism: str, auth: Any) -> AuthResult:
        users = self._lab.users or {}
        known = isinstance(auth, LoginPassword) and users.get(auth.login.decode()) == auth.password.decode()
        return AuthResult(success=known, handled=False, auth_data=auth if known else None)
