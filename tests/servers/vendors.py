"""SendGrid, Twilio, Slack and a plain webhook receiver on one port, each under a path of its own.

Each checks a request as the vendor documents it and answers with the vendor's success or error body.
"""

from base64 import b64decode
from collections.abc import Mapping
from itertools import count
from typing import Any

import orjson

from notify.local.lab import HttpLab, Reply, Request

SENDGRID_KEY = "SG.lab-key"
TWILIO_SID = "AC00000000000000000000000000000001"
TWILIO_TOKEN = "lab-auth-token"
SLACK_TOKEN = "xoxb-lab-token"
SLACK_USERS = {"ada@example.com": "U0ADA"}
SLACK_CHANNELS = frozenset({"C0GENERAL", "U0ADA"})
HOOK_TOKEN = "lab-hook-token"

_numbers = count(1)


class ProviderLab(HttpLab):
    """Knows the credentials above. Addresses that say ``fail`` get the vendor's refusal of an address."""

    def __init__(self, port: int = 0, kept: int = 10_000) -> None:
        super().__init__(self._dispatch, port, kept)

    def base_url(self, vendor: str) -> str:
        """What goes into the provider's ``base_url`` setting (for the webhook, its URL)."""
        return f"{self.url}/{vendor}"

    def of(self, vendor: str) -> list[Request]:
        """The requests a vendor got, oldest first."""
        return [request for request in tuple(self.requests) if request.path.startswith(f"/{vendor}/")]

    def _dispatch(self, request: Request) -> Reply:
        vendor, _, path = request.path.lstrip("/").partition("/")
        handler = _VENDORS.get(vendor)
        return handler(request, f"/{path}") if handler else Reply(status=404)


# --- SendGrid ------------------------------------------------------------------------------------


def sendgrid(request: Request, path: str) -> Reply:
    if (request.method, path) != ("POST", "/v3/mail/send"):
        return _sendgrid_error(404, "not found", None)
    if request.headers.get("authorization") != f"Bearer {SENDGRID_KEY}":
        return _sendgrid_error(401, "The provided authorization grant is invalid, expired, or revoked", None)
    if request.headers.get("content-type") != "application/json":
        return _sendgrid_error(415, "Content-Type should be application/json.", None)
    return _sendgrid_checked(_parsed(request))


def _sendgrid_checked(mail: Mapping[str, Any] | None) -> Reply:
    if mail is None:
        return _sendgrid_error(400, "Bad Request", None)
    addresses = [box.get("email", "") for p in mail.get("personalizations", ()) for box in p.get("to", ())]
    if not addresses or not all("@" in address and "fail" not in address for address in addresses):
        return _sendgrid_error(400, "Does not contain a valid address.", "personalizations.0.to.0.email")
    if "@" not in mail.get("from", {}).get("email", ""):
        return _sendgrid_error(400, "The from email does not contain a valid address.", "from.email")
    if not mail.get("subject"):
        return _sendgrid_error(400, "The subject is required.", "subject")
    if [part["type"] for part in mail.get("content", ())] not in (
        ["text/plain"], ["text/html"], ["text/plain", "text/html"],
    ):  # fmt: skip
        return _sendgrid_error(400, "text/plain must come first, followed by text/html.", "content")
    return Reply(status=202, headers={"x-message-id": f"sg-{next(_numbers)}"})


def _sendgrid_error(status: int, message: str, field: str | None) -> Reply:
    return Reply.json({"errors": [{"message": message, "field": field, "help": None}]}, status)


# --- Twilio --------------------------------------------------------------------------------------


def twilio(request: Request, path: str) -> Reply:
    if (request.method, path) != ("POST", f"/2010-04-01/Accounts/{TWILIO_SID}/Messages.json"):
        return _twilio_error(404, 20404, "The requested resource was not found")
    if _basic(request) != f"{TWILIO_SID}:{TWILIO_TOKEN}":
        return _twilio_error(401, 20003, "Authenticate")
    form = request.form()
    if not form.get("To"):
        return _twilio_error(400, 21604, "A 'To' phone number is required.")
    if not form.get("From") and not form.get("MessagingServiceSid"):
        return _twilio_error(400, 21603, "A 'From' phone number is required.")
    if not form.get("Body"):
        return _twilio_error(400, 21602, "Message body is required.")
    if "fail" in form["To"] or not form["To"].startswith("+"):
        return _twilio_error(400, 21211, f"Invalid 'To' Phone Number: {form['To']}")
    return Reply.json({"sid": f"SM{next(_numbers):032x}", "status": "queued", "error_code": None}, 201)


def _twilio_error(status: int, code: int, message: str) -> Reply:
    info = f"https://www.twilio.com/docs/errors/{code}"
    return Reply.json({"code": code, "message": message, "more_info": info, "status": status}, status)


def _basic(request: Request) -> str:
    scheme, _, value = request.headers.get("authorization", "").partition(" ")
    return b64decode(value).decode() if scheme == "Basic" else ""


# --- Slack ---------------------------------------------------------------------------------------


def slack(request: Request, path: str) -> Reply:
    if path.startswith("/services/"):
        return _slack_webhook(request, path)
    if request.headers.get("authorization") != f"Bearer {SLACK_TOKEN}":
        return Reply.json({"ok": False, "error": "invalid_auth"})
    match path:
        case "/users.lookupByEmail":
            user = SLACK_USERS.get(request.query.get("email", ""))
            return _slack({"user": {"id": user}} if user else "users_not_found")
        case "/chat.postMessage":
            return _slack(_posted(_parsed(request) or {}))
    return _slack("unknown_method")


def _posted(message: Mapping[str, Any]) -> dict[str, Any] | str:
    channel = message.get("channel")
    if channel not in SLACK_CHANNELS:
        return "channel_not_found"
    if not message.get("text") and not message.get("blocks"):
        return "no_text"
    if len(message.get("blocks", ())) > 50:
        return "invalid_blocks"
    return {"channel": channel, "ts": f"1700000000.{next(_numbers):06d}"}


def _slack(result: dict[str, Any] | str) -> Reply:
    return Reply.json({"ok": False, "error": result} if isinstance(result, str) else {"ok": True, **result})


def _slack_webhook(request: Request, path: str) -> Reply:
    if "fail" in path:
        return Reply(status=404, body=b"no_service")
    message = _parsed(request)
    if message is None:
        return Reply(status=400, body=b"invalid_payload")
    return Reply(body=b"ok") if message.get("text") else Reply(status=400, body=b"no_text")


# --- webhook -------------------------------------------------------------------------------------


def hook(request: Request, path: str) -> Reply:
    """``/open`` takes all, ``/bearer`` wants a token, ``/gone`` is gone, ``/elsewhere`` redirects."""
    match path:
        case "/gone":
            return Reply(status=410)
        case "/elsewhere":
            return Reply(status=302, headers={"location": "/hook/open"})
        case "/bearer" if request.headers.get("authorization") != f"Bearer {HOOK_TOKEN}":
            return Reply(status=401)
    return Reply(status=204)


def _parsed(request: Request) -> dict[str, Any] | None:
    try:
        value = request.json()
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


_VENDORS = {"sendgrid": sendgrid, "twilio": twilio, "slack": slack, "hook": hook}
