"""Where the demo plays: the official client, and local servers that stand in for the providers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from courier import Courier

from notify.local.lab import HttpLab, MailLab, Reply, Request

SENDER = "hello@example.com"


@dataclass(frozen=True, slots=True)
class Theatre:
    """``mail``: the SMTP server. ``http``: every HTTP provider, told apart by the path."""

    client: Courier
    mail: MailLab
    http: HttpLab

    def send(self, to: dict[str, Any], via: Sequence[str], method: str = "single", **message: Any) -> str:
        """Send by the channels ``via``; returns the request id."""
        body: Any = {"to": to, "routing": {"method": method, "channels": list(via)}, **message}
        return self.client.send.message(message=body).request_id

    def send_once(self, key: str, to: dict[str, Any], via: Sequence[str], **message: Any) -> str:
        """The same under an idempotency key."""
        body: Any = {"to": to, "routing": {"method": "single", "channels": list(via)}, **message}
        return self.client.send.message(message=body, idempotency_key=key).request_id

    def subjects(self, address: str) -> list[str]:
        """The subjects of the mails that arrived for an address."""
        return [str(mail.message["subject"]) for mail in self.mail.to(address)]

    def calls(self, provider: str, word: str) -> int:
        """How many calls that mention ``word`` one of the HTTP providers got."""
        found = (call for call in tuple(self.http.requests) if call.path.startswith(f"/{provider}/"))
        return sum(word.encode() in call.body for call in found)

    def configure(self) -> None:
        """Configure the providers through the public API, as a user would."""
        create = self.client.providers.create
        server = {"host": self.mail.host, "port": self.mail.port, "security": "none"}
        create(provider="smtp", settings={**server, "from_address": SENDER})
        account = {"account_sid": "AC" + "0" * 32, "auth_token": "secret", "from_number": "+15005550006"}
        for alias in ("primary", "backup"):
            create(
                provider="twilio", alias=alias, settings={**account, "base_url": f"{self.http.url}/{alias}"}
            )
        create(provider="slack", settings={"access_token": "xoxb-demo", "base_url": f"{self.http.url}/slack"})


def answer(request: Request) -> Reply:
    """What the HTTP providers say: the first SMS provider is down, the others take everything."""
    if request.path.startswith("/primary/"):
        return Reply.json({"code": 20503, "message": "Service unavailable", "status": 503}, status=503)
    if request.path.startswith("/slack/"):
        return Reply.json({"ok": True, "channel": "C024BE91L", "ts": "1401383885.000061"})
    return Reply.json({"sid": "SM" + "0" * 32, "status": "queued"}, status=201)
