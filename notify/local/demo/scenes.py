"""The scenes: what is sent, and what must have become of it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from notify.local.demo.theatre import Theatre

DELAY_MS = 4000
PATIENCE_MS = 6000
GONE = "gone@example.com"
_BACKUP = {"sms": {"providers": ["twilio:backup"]}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A message at its end. ``answers``: the request ids its sends were answered with."""

    record: dict[str, Any]
    history: list[dict[str, Any]]
    answers: list[str]

    @property
    def attempts(self) -> list[tuple[str, str]]:
        """Channel and status of each provider that was tried, in order."""
        return [(one["channel"]["name"], one["status"]) for one in self.record["providers"]]

    @property
    def took_ms(self) -> int:
        """From acceptance to the first provider's."""
        return int(self.record.get("sent", 0)) - int(self.record["enqueued"])

    def retries(self) -> int:
        return sum(entry["type"] == "RETRYING" for entry in self.history)


Facts = dict[str, tuple[object, object]]
"""What is compared: what it is, and what it should be."""


@dataclass(frozen=True, slots=True)
class Scene:
    """``send`` returns the request id of each send; ``facts`` are checked when the message has ended."""

    name: str
    story: str
    send: Callable[[Theatre], list[str]]
    facts: Callable[[Theatre, Ending], Facts]


def _email(theatre: Theatre) -> list[str]:
    content = {"title": "Welcome, {{name}}", "body": "Your account is ready."}
    return [theatre.send({"email": "ada@example.com"}, ["email"], content=content, data={"name": "Ada"})]


def _email_facts(theatre: Theatre, ending: Ending) -> Facts:
    return {
        "status": (ending.record["status"], "SENT"),
        "mails at the SMTP server": (theatre.subjects("ada@example.com"), ["Welcome, Ada"]),
    }


def _failover(theatre: Theatre) -> list[str]:
    channels = {
        "sms": {"providers": ["twilio:primary", "twilio:backup"], "timeouts": {"provider": PATIENCE_MS}}
    }
    content = {"title": "Code", "body": "Your code is 271828."}
    return [theatre.send({"phone_number": "+15005550100"}, ["sms"], content=content, channels=channels)]


def _failover_facts(theatre: Theatre, ending: Ending) -> Facts:
    refused = theatre.calls("primary", "271828")
    return {
        "status": (ending.record["status"], "SENT"),
        "providers": (ending.attempts, [("sms", "UNDELIVERABLE"), ("sms", "SENT")]),
        "retries at the first provider": (ending.retries() > 0 and refused == ending.retries() + 1, True),
        "calls to the second": (theatre.calls("backup", "271828"), 1),
    }


def _next_channel(theatre: Theatre) -> list[str]:
    theatre.mail.refuse["rcpt", GONE] = "550 5.1.1 No such user here"
    to = {"email": GONE, "phone_number": "+15005550101"}
    content = {"title": "Invoice", "body": "Invoice 314159 is due."}
    return [theatre.send(to, ["email", "sms"], content=content, channels=_BACKUP)]


def _next_channel_facts(theatre: Theatre, ending: Ending) -> Facts:
    return {
        "status": (ending.record["status"], "SENT"),
        "providers": (ending.attempts, [("email", "UNDELIVERABLE"), ("sms", "SENT")]),
        "mails": (theatre.subjects(GONE), []),
        "text messages": (theatre.calls("backup", "314159"), 1),
    }


def _all(theatre: Theatre) -> list[str]:
    to = {"email": "ops@example.com", "phone_number": "+15005550102", "slack": {"channel": "C024BE91L"}}
    content = {"title": "Disk almost full", "body": "Host 161803 has 3 % left."}
    return [theatre.send(to, ["email", "sms", "direct_message"], "all", content=content, channels=_BACKUP)]


def _all_facts(theatre: Theatre, ending: Ending) -> Facts:
    everywhere = [("direct_message", "SENT"), ("email", "SENT"), ("sms", "SENT")]
    return {
        "status": (ending.record["status"], "SENT"),
        "providers": (sorted(ending.attempts), everywhere),
        "mails": (theatre.subjects("ops@example.com"), ["Disk almost full"]),
        "text messages": (theatre.calls("backup", "161803"), 1),
        "posts to Slack": (theatre.calls("slack", "161803"), 1),
    }


def _delayed(theatre: Theatre) -> list[str]:
    content = {"title": "Reminder", "body": "Your trial ends tomorrow."}
    return [
        theatre.send({"email": "bob@example.com"}, ["email"], content=content, delay={"duration": DELAY_MS})
    ]


def _delayed_facts(theatre: Theatre, ending: Ending) -> Facts:
    kinds = [entry["type"] for entry in ending.history]
    return {
        "status": (ending.record["status"], "SENT"),
        "was held": ("DELAYED" in kinds, True),
        "left on time": (DELAY_MS <= ending.took_ms < DELAY_MS + 10_000, True),
        "mails": (theatre.subjects("bob@example.com"), ["Reminder"]),
    }


def _twice(theatre: Theatre) -> list[str]:
    content = {"title": "Receipt 1001", "body": "Thank you."}
    order: tuple[dict[str, Any], list[str]] = ({"email": "eve@example.com"}, ["email"])
    return [theatre.send_once("order-1001", *order, content=content) for _ in range(2)]


def _twice_facts(theatre: Theatre, ending: Ending) -> Facts:
    return {
        "status": (ending.record["status"], "SENT"),
        "different answers": (len(set(ending.answers)), 1),
        "mails": (theatre.subjects("eve@example.com"), ["Receipt 1001"]),
    }


def _template(theatre: Theatre) -> list[str]:
    client = theatre.client
    client.profiles.create("grace", profile={"email": "grace@example.com", "given_name": "Grace"})
    elements: list[Any] = [
        {"type": "meta", "title": "{{profile.given_name}}, your order {{order}} has shipped"},
        {"type": "text", "content": "It arrives **{{day}}**."},
        {"type": "action", "content": "Follow it", "href": "https://example.com/orders/{{order}}"},
    ]
    email = {"type": "channel", "channel": "email", "elements": elements}
    content: Any = {"version": "2022-01-01", "elements": [email]}
    draft: Any = {
        "name": "Order shipped",
        "content": content,
        "brand": None,
        "routing": None,
        "subscription": None,
        "tags": [],
    }
    template = client.notifications.create(notification=draft)
    client.notifications.publish(template.id)
    data = {"order": "577215", "day": "on Friday"}
    return [theatre.send({"user_id": "grace"}, ["email"], template=template.id, data=data)]


def _template_facts(theatre: Theatre, ending: Ending) -> Facts:
    return {
        "status": (ending.record["status"], "SENT"),
        "mails": (theatre.subjects("grace@example.com"), ["Grace, your order 577215 has shipped"]),
    }


_UNTIL_SECOND = "An SMS: the first provider answers 503 until the second takes over."
_NEXT = "The address is refused for good: on to the next channel."

SCENES = (
    Scene("email", "An email arrives at an SMTP server.", _email, _email_facts),
    Scene("failover", _UNTIL_SECOND, _failover, _failover_facts),
    Scene("next channel", _NEXT, _next_channel, _next_channel_facts),
    Scene("all", "One message to all channels: email, SMS and Slack.", _all, _all_facts),
    Scene("delayed", f"Held for {DELAY_MS // 1000} seconds.", _delayed, _delayed_facts),
    Scene("idempotent", "Sent twice under one idempotency key, delivered once.", _twice, _twice_facts),
    Scene("template", "A saved template to a stored profile.", _template, _template_facts),
)
