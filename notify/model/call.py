"""The sans-IO contract between providers and transports: calls, answers and outcomes.

A provider turns an ``Outgoing`` into a call; a transport turns the call into an answer; the provider
turns the answer into an outcome. Only transports touch the network.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from notify.model.output import Output
from notify.model.work import Wait


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One delivery, ready to be said in a provider's words.

    ``profile``: the recipient's merged profile. ``idempotency_key``: the same for every attempt of this
    delivery; adapters pass it on where the provider has such a thing. ``override``: the sender's
    provider override of this message, deep-merged into the request after rendering. ``callback_url``: where
    the provider may report what becomes of this delivery; None when nobody outside reaches us.
    """

    message_id: str
    idempotency_key: str
    output: Output
    profile: Mapping[str, Any]
    override: Mapping[str, Any] = field(default_factory=dict)
    callback_url: str | None = None


# --- calls: what a transport shall do ------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpCall:
    """One HTTP request. ``untrusted``: the URL came from a message, not from an operator's settings.

    URL, headers and body may hold secrets and are left out of ``repr``. ``then``: for vendors that want
    a look-up first, the request that follows this one's answer; None from it makes that answer the last.
    """

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    untrusted: bool = False
    then: "Callable[[HttpAnswer], HttpCall | None] | None" = field(default=None, repr=False, compare=False)


class SmtpSecurity(StrEnum):
    NONE = "none"
    STARTTLS = "starttls"
    TLS = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpServer:
    """Where to connect and as whom; equal servers share pooled connections."""

    host: str
    port: int
    security: SmtpSecurity
    username: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpCall:
    """One message for one envelope. ``data`` is the RFC 5322 message with CRLF line ends.

    Without recipients nothing is sent: the server is only asked whether it lets us in.
    """

    server: SmtpServer
    sender: str
    recipients: tuple[str, ...]
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepCall:
    """The sandbox: nothing leaves; the rendered output stays readable in the message log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A call whose beginning and end are told, on the transport's thread: neither may wait or raise.

    ``begins``: what it returns is what is called. ``ends``: gets None when the call was broken off.
    """

    call: HttpCall | SmtpCall | KeepCall
    begins: "Callable[[HttpCall | SmtpCall | KeepCall], HttpCall | SmtpCall | KeepCall]"
    ends: "Callable[[Answer | None], None]"


Call = HttpCall | SmtpCall | KeepCall | Watched


# --- answers: what came back ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """Header names are lower case. ``body`` is cut at the transport's size limit."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpAnswer:
    """The last reply of the dialogue. ``stage``: connect, auth, mail, rcpt or data."""

    code: int
    text: str
    stage: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The sandbox's answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """Nothing usable came back: refused, reset, timed out, oversized, or never tried.

    ``forbidden``: the address may not or cannot be called at all; trying again cannot help. ``maybe_sent``:
    the request may have reached the other side.
    """

    error: str
    forbidden: bool = False
    maybe_sent: bool = False


Answer = HttpAnswer | SmtpAnswer | Kept | NoAnswer


# --- outcomes: what it means ---------------------------------------------------------------------


class Blame(StrEnum):
    """Who is at fault decides what follows: see the error classes of ``docs/architecture.md``."""

    RECIPIENT = "recipient"
    PROVIDER = "provider"
    CONTENT = "content"
    UNKNOWN = "unknown"
    """Nobody knows whether it was sent, and it must not be sent twice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """``called``: whether the provider was. ``response``: its words, for people; bounded, without secrets."""

    called: bool = False
    response: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(Answered):
    """``reference``: the provider's own ids, for the log and for later callbacks.

    ``delivered``: the provider's acceptance is also the delivery (webhooks).
    """

    reference: Mapping[str, str] = field(default_factory=dict)
    delivered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Transient(Answered):
    """Worth another try with the same provider, not before ``retry_after_s`` seconds.

    ``busy``: it is up and asks for a slower pace, which is no sign of an outage.
    """

    reason: str
    retry_after_s: float | None = None
    busy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Permanent(Answered):
    """Not worth another try. ``blame`` PROVIDER: the next provider may; RECIPIENT: the next channel may.

    UNKNOWN: nothing may follow it.
    """

    reason: str
    blame: Blame


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated(Answered):
    """Sent with a mock key: the call was made ready, and not made."""


Outcome = Accepted | Simulated | Transient | Permanent


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Not called: it waits for its turn or the provider's recovery, and is looked at again at ``until``."""

    wait: Wait
    until: datetime
