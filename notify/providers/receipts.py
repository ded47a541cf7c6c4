"""Provider callbacks: a signed request in, what it reports out. Nothing here opens a socket or has a clock.

A provider with a ``webhook`` of its own reads its vendor's form; every other one takes the generic form:
``notify-signature: t=<epoch ms>,signature=<hex>``, the HMAC-SHA256 of ``<t>.<body>`` with the secret
``receipt_secret``, and ``{"events": [{event, delivery_id | message_id | reference, at, reason}]}``.
"""

import hmac
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, cast
from urllib.parse import parse_qs, parse_qsl, urlsplit
from uuid import UUID

import orjson

from notify import ids
from notify.errors import InvalidRequest, Unauthenticated
from notify.model.receipt import Callback, Reported, StatusUpdate
from notify.providers.answers import clean
from notify.providers.base import Provider, ProviderSettings

MAX_EVENTS = 5000
MAX_FIELDS = 200
MAX_RAW_FIELDS = 40
TOLERANCE = timedelta(minutes=5)
"""How old or how far ahead a generic signature's time may be."""

Webhook = Callable[[Callback, ProviderSettings], Sequence[StatusUpdate]]
_SIGNATURE = re.compile(r"t=(\d{1,16}),signature=([0-9a-f]{64})", re.ASCII)


def read(provider: Provider[Any], callback: Callback, settings: ProviderSettings) -> Sequence[StatusUpdate]:
    """What ``callback`` reports.

    Raises:
        Unauthenticated: the signature is missing or wrong, or nothing to check it with is configured.
        InvalidRequest: it is rightly signed and cannot be read.
    """
    webhook = cast(Webhook, getattr(provider, "webhook", generic))
    updates = webhook(callback, settings)
    if len(updates) > MAX_EVENTS:
        raise InvalidRequest(f"A callback may hold at most {MAX_EVENTS} events.")
    return updates


def generic(callback: Callback, settings: ProviderSettings) -> Sequence[StatusUpdate]:
    """The form for providers whose vendor has none; see ``docs/receipts.md``."""
    _check_generic(callback, settings)
    body = parsed(callback.body)
    events = body.get("events") if isinstance(body, dict) else None
    if not isinstance(events, list):
        raise InvalidRequest("events: must be a list")
    return [_generic_event(event, f"events[{at}]") for at, event in enumerate(events)]


def _check_generic(callback: Callback, settings: ProviderSettings) -> None:
    secret = settings.receipt_secret
    found = _SIGNATURE.fullmatch(callback.headers.get("notify-signature", ""))
    at = instant(int(found[1])) if found else None
    if secret is None or found is None or at is None or abs(callback.received_at - at) > TOLERANCE:
        raise forged()
    data = f"{found[1]}.".encode() + callback.body
    if not hmac.compare_digest(
        hmac.new(secret.get_secret_value().encode(), data, sha256).hexdigest(), found[2]
    ):
        raise forged()


def _generic_event(event: Any, at: str) -> StatusUpdate:
    if not isinstance(event, dict) or event.get("event") not in list(Reported):
        raise InvalidRequest(f"{at}.event: must be one of {', '.join(Reported)}")
    reference = event.get("reference") or {}
    if not isinstance(reference, dict):
        raise InvalidRequest(f"{at}.reference: must be an object")
    return StatusUpdate(
        event=Reported(event["event"]),
        message_id=message_id(event.get("message_id")),
        delivery_id=delivery_id(event.get("delivery_id")),
        reference={clean(key): clean(value) for key, value in reference.items()},
        at=instant(event.get("at")),
        reason=clean(event["reason"]) if event.get("reason") else None,
        raw=bounded(event),
    )


# --- what the vendors' own forms are read with ---------------------------------------------------


def forged() -> Unauthenticated:
    """The same words whatever was wrong."""
    return Unauthenticated("The signature is missing, old or wrong.")


def parsed(body: bytes) -> Any:
    """JSON. Raises InvalidRequest when it is none."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidRequest(f"The body is not valid JSON: {error}") from None


def form(body: bytes) -> dict[str, str]:
    """Form fields. Raises InvalidRequest when there are more than any vendor sends."""
    try:
        text = body.decode(errors="replace")
        return dict(parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        raise InvalidRequest(f"The form has more than {MAX_FIELDS} fields.") from None


def called_about(url: str) -> tuple[UUID | None, UUID | None]:
    """Message and delivery of a ``callback_url`` of ours."""
    query = parse_qs(urlsplit(url).query)
    return message_id(query.get("message", [None])[0]), delivery_id(query.get("delivery", [None])[0])


def message_id(value: Any) -> UUID | None:
    return ids.from_wire(value) if isinstance(value, str) else None


def delivery_id(value: Any) -> UUID | None:
    try:
        return UUID(hex=value) if isinstance(value, str) else None
    except ValueError:
        return None


def instant(value: Any) -> datetime | None:
    """Epoch seconds or milliseconds, or ISO 8601; None for anything else."""
    try:
        if isinstance(value, str) and not value.isdecimal():
            at = datetime.fromisoformat(value)
            return at if at.tzinfo else at.replace(tzinfo=UTC)
        number = float(value)
        return datetime.fromtimestamp(number / 1000 if number > 1e11 else number, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None


def bounded(event: Mapping[str, Any]) -> dict[str, Any]:
    """The provider's own words as they are kept: one level deep, short values, not too many."""
    return {clean(key): _short(value) for key, value in list(event.items())[:MAX_RAW_FIELDS]}


def _short(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    return clean(value if isinstance(value, str) else orjson.dumps(value).decode())
