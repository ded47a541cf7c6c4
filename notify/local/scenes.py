"""The scenes of the demo: what is sent through the official client, and what must have become of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from courier import Courier

from notify.local.lab import HttpLab, MailLab, Reply, Request

DELAY_MS = 4000
PATIENCE_MS = 3000
_GONE = "gone@example.com"
_ADA = {"user_id": "ada", "name": "Ada", "email": "ada@example.com"}


@dataclass(frozen=True, slots=True)
class Theatre:
    """Where the scenes play: the client, and the servers that stand in for providers."""

    client: Courier
    mail: MailLab
    http: HttpLab

    def send(self, to: dict[str, Any], via: Sequence[str], method: str = "single", **message: Any) -> str:
        """Send to ``to`` by the channels ``via``; returns the request id."""
        key = message.pop("idempotency_key", None)
        routing = {"method": method, "channels": list(via)}
        extra = {"idempotency_key": key} if key else {}
        return self.client.send.message(message={"to": to, "routing": routing, **message}, **extra).request_id  # type: ignore[arg-type]

    def sms(self, provider: str, number: str) -> list[Request]:
        """The calls to one of the SMS providers for a number."""
        calls = [call for call in tuple(self.http.requests) if call.path.startswith(f"/{provider}/")]
        return [call for call in calls if call.form().get("To") == number]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A message after it ended: its record, its log, and the ids its sends were answered with."""

    record: dict[str, Any]
    history: list[dict[str, Any]]
    answers: tuple[str, ...]

    @property
    def status(self) -> str:
        return str(self.record["status"])

    def tried(self) -> list[tuple[str, str]]:
        """Channel and status of each provider that was tried, in order."""
        return [(one["channel"]["name"], one["status"]) for one in self.record["providers"]]


Check = Callable[[Theatre, Outcome], list[tuple[str, object, object]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """``check`` gives triples of what is compared, what it is, and what it should be."""

    name: str
    story: str
    send: Callable[[Theatre], Sequence[str]]
    check: Check
    channels: frozenset[str] = field(default_factory=frozenset)


def answer(request: Request) -> Reply:
    """The providers: the first SMS provider is down, the others take everything."""
    if request.path.startswith("/primary/"):
        return Reply.json({"code": 20503, "message": "Service unavailable", "status": 503}, status=503)
    if request.path.startswith("/slack/"):
        return Reply.json({"ok": True, "channel": "C024BE91L", "ts": "1401383885.000061"})
    return Reply.json({"sid": "SM" + "0" * 32, "status": "queued"}, status=201)


def configure(theatre: Theatre) -> None:
    """Configure the providers through the public API, as a user would."""
    create, http = theatre.client.providers.create, theatre.http.url
    mail = {"host": theatre.mail.host, "port": theatre.mail.port, "security": "none", "from_address": "hello@example.com"}
    create(provider="smtp", settings=mail)
    account = {"account_sid": "AC" + "0" * 32, "auth_token": "secret", "from_number": "+15005550006"}
    for alias in ("primary", "backup"):
        create(provider="twilio", alias=alias, settings={**account, "base_url": f"{http}/{alias}"})
    create(provider="slack", settings={"access_token": "xoxb-demo", "base_url": f"{http}/slack"})
