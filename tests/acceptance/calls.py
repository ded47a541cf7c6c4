"""What the tests say to the official client, and what they read from a message's record and log."""

import itertools
from typing import Any
from uuid import uuid4

from courier import Courier
from courier.types import MessageRetrieveResponse

from notify.model.status import FINAL
from tests.acceptance.running import until

SUGAR = {"title": "Hello", "body": "It works."}
_numbers = itertools.count(1)


def fresh(name: str) -> str:
    """A name nobody has used."""
    return f"{name}-{next(_numbers)}-{uuid4().hex[:8]}"


def address(name: str) -> str:
    """A mail address nobody has used."""
    return f"{fresh(name)}@example.com"


def via(*channels: Any, method: str = "single") -> dict[str, Any]:
    """A routing."""
    return {"method": method, "channels": list(channels)}


def block(channel: str, elements: list[dict[str, Any]]) -> dict[str, Any]:
    """A channel's own part of Elemental content."""
    return {"type": "channel", "channel": channel, "elements": elements}


def send(client: Courier, to: Any, content: Any = SUGAR, **message: Any) -> str:
    """Send content, or the ``template``; the request id."""
    body: Any = {"to": to, **({} if "template" in message else {"content": content}), **message}
    return client.send.message(message=body).request_id


def said(client: Courier, message_id: str) -> dict[str, Any]:
    """What the message said on its only channel."""
    (output,) = client.messages.content(message_id).results
    return {"channel": output.channel, **output.content.to_dict()}


def ended(client: Courier, message_id: str) -> MessageRetrieveResponse:
    """The message once its status is final and no branch of it is under way any more."""

    def look() -> MessageRetrieveResponse | None:
        found = client.messages.retrieve(message_id)
        return found if found.status in FINAL and all(one.get("status") for one in attempts(found)) else None

    return until(look, f"message {message_id} ends")  # type: ignore[return-value]


def history(client: Courier, message_id: str, *types: str) -> list[dict[str, Any]]:
    """The log of a message, or those entries of it that have one of the types."""
    entries = [dict(entry) for entry in client.messages.history(message_id).results]
    return [entry for entry in entries if not types or entry["type"] in types]


def kinds(client: Courier, message_id: str) -> list[str]:
    return [entry["type"] for entry in history(client, message_id)]


def ways(message: MessageRetrieveResponse) -> list[tuple[str, str, str]]:
    """Channel, provider and status of every attempt, in order."""
    return [(one["channel"]["name"], one["provider"], one["status"]) for one in attempts(message)]


def attempts(message: MessageRetrieveResponse) -> list[dict[str, Any]]:
    return [dict(one) for one in message.providers or []]
