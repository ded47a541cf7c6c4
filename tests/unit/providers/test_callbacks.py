"""Callbacks: what a vendor's signed words mean, and that nobody else can say them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from notify import ids
from notify.errors import InvalidRequest, Unauthenticated
from notify.model.receipt import Callback, Reported, StatusUpdate
from notify.providers import receipts
from notify.providers.base import load_settings
from notify.providers.registry import REGISTRY
from tests import callbacks

MESSAGE, DELIVERY = ids.new(), ids.new()
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
URL = f"https://n.example.com/receipts/1?message={ids.to_wire(MESSAGE)}&delivery={DELIVERY.hex}"
SETTINGS = {
    "sendgrid": {"api_key": "k", "from_address": "a@example.com", "webhook_public_key": callbacks.PUBLIC_KEY},
    "twilio": {"account_sid": "AC1", "auth_token": "token", "from_number": "+1555"},
    "smtp": {"host": "mail", "from_address": "a@example.com", "receipt_secret": callbacks.SECRET},
}
CUSTOM = {"notify_message_id": ids.to_wire(MESSAGE), "notify_delivery_id": DELIVERY.hex}


def _read(key: str, signed: callbacks.Signed, url: str = URL, **more: Any) -> list[StatusUpdate]:
    body, headers = signed
    provider = REGISTRY[key]
    callback = Callback(url=url, headers=headers, body=body, received_at=NOW)
    return list(receipts.read(provider, callback, load_settings(provider, {**SETTINGS[key], **more})))


def _generic(events: Any, **options: Any) -> callbacks.Signed:
    return callbacks.generic(events, **{"at_ms": int(NOW.timestamp() * 1000), **options})


# --- what they say -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "reported"),
    [
        ({"event": "delivered"}, Reported.DELIVERED),
        ({"event": "open"}, Reported.OPENED),
        ({"event": "open", "sg_machine_open": True}, None),
        ({"event": "click"}, Reported.CLICKED),
        ({"event": "bounce", "type": "bounce", "reason": "550 no such user"}, Reported.BOUNCED),
        ({"event": "bounce", "type": "blocked", "reason": "listed"}, Reported.FAILED),
        ({"event": "dropped", "reason": "Bounced Address"}, Reported.BOUNCED),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, Reported.COMPLAINED),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, Reported.FAILED),
        ({"event": "spamreport"}, Reported.COMPLAINED),
        *(({"event": event}, None) for event in ("processed", "deferred", "unsubscribe", "new", 7, None)),
    ],
)
def test_what_sendgrid_reports(event: dict[str, Any], reported: Reported | None) -> None:
    updates = _read("sendgrid", callbacks.sendgrid([{**event, **CUSTOM, "timestamp": 1772366400}]))
    assert [update.event for update in updates] == [reported] * (reported is not None)
    for update in updates:
        assert (update.message_id, update.delivery_id, update.at) == (MESSAGE, DELIVERY, NOW)


def test_a_mail_that_lost_our_ids_is_known_by_sendgrids() -> None:
    (update,) = _read("sendgrid", callbacks.sendgrid([{"event": "open", "sg_message_id": "abc.filter1.2"}]))
    assert (update.message_id, dict(update.reference)) == (None, {"x-message-id": "abc"})


@pytest.mark.parametrize(
    ("status", "code", "reported"),
    [
        ("delivered", "", Reported.DELIVERED),
        ("read", "", Reported.OPENED),
        ("undelivered", "30005", Reported.BOUNCED),
        ("undelivered", "30003", Reported.FAILED),
        ("failed", "30007", Reported.FAILED),
        *((status, "", None) for status in ("queued", "sending", "sent", "accepted", "odd")),
    ],
)
def test_what_twilio_reports(status: str, code: str, reported: Reported | None) -> None:
    form = {"MessageSid": "SM1", "MessageStatus": status, "ErrorCode": code}
    updates = _read("twilio", callbacks.twilio(URL, form, "token"))
    assert [update.event for update in updates] == [reported] * (reported is not None)
    for update in updates:
        assert (update.message_id, update.delivery_id) == (MESSAGE, DELIVERY)
        assert dict(update.reference) == {"sid": "SM1"}


def test_twilios_own_example_of_a_signature() -> None:
    """The example of https://www.twilio.com/docs/usage/security, with its token."""
    url = "https://example.com/myapp.php?foo=1&bar=2"
    form = {
        "CallSid": "CA1234567890ABCDE", "Caller": "+14158675310", "Digits": "1234", "From": "+14158675310",
        "To": "+18005551212",
    }  # fmt: skip
    body, headers = callbacks.twilio(url, form, "12345")
    assert headers["x-twilio-signature"] == "L/OH5YylLD5NRKLltdqwSvS0BnU="
    assert _read("twilio", (body, headers), url=url, auth_token="12345") == []


@pytest.mark.parametrize("event", list(Reported))
def test_the_generic_form_reports_everything(event: Reported) -> None:
    told = {"event": event, "reference": {"id": 7}, "at": "2026-03-01T12:00:00Z", "reason": "no\nsuch user"}
    (update,) = _read("smtp", _generic([told]))
    assert (update.event, dict(update.reference), update.at) == (event, {"id": "7"}, NOW)
    assert update.reason == "no such user"


def test_what_is_kept_of_an_event_is_bounded() -> None:
    huge = {"event": "open", **CUSTOM, **{f"key{n}" * 50: ["x" * 1000, "\0"] for n in range(500)}}
    (update,) = _read("sendgrid", callbacks.sendgrid([huge]))
    assert len(update.raw) <= receipts.MAX_RAW_FIELDS
    assert all(len(key) <= 300 and len(str(value)) <= 300 for key, value in update.raw.items())
    assert "\0" not in str(update.raw)


# --- who says it ---------------------------------------------------------------------------------

GOOD = {
    "sendgrid": callbacks.sendgrid([{"event": "delivered"}]),
    "twilio": callbacks.twilio(URL, {"MessageStatus": "delivered"}, "token"),
    "smtp": _generic([{"event": "delivered"}]),
}


@pytest.mark.parametrize("key", GOOD)
def test_a_signed_callback_is_read(key: str) -> None:
    assert [update.event for update in _read(key, GOOD[key])] == [Reported.DELIVERED]


@pytest.mark.parametrize("key", GOOD)
@pytest.mark.parametrize("damage", ["body", "missing", "garbage", "empty", "nonascii", "other"])
def test_a_forged_callback_is_refused(key: str, damage: str) -> None:
    body, headers = GOOD[key]
    name = next(name for name in headers if name.endswith("signature"))
    changed = {
        "body": (body + b" ", headers),
        "missing": (body, {}),
        "garbage": (body, {**headers, name: "t=1,signature=!!!"}),
        "empty": (body, {**headers, name: ""}),
        "nonascii": (body, {**headers, name: "\xff\xe4"}),
        "other": (body, _others(key)[1] | {}),
    }
    with pytest.raises(Unauthenticated):
        _read(key, changed[damage])


def _others(key: str) -> callbacks.Signed:
    """The same, signed with somebody else's key."""
    return {
        "sendgrid": callbacks.sendgrid([{"event": "delivered"}], ec.generate_private_key(ec.SECP256R1())),
        "twilio": callbacks.twilio(URL, {"MessageStatus": "delivered"}, "another"),
        "smtp": _generic([{"event": "delivered"}], secret="another"),
    }[key]


def test_a_callback_to_another_url_is_refused() -> None:
    with pytest.raises(Unauthenticated):
        _read("twilio", GOOD["twilio"], url=URL.replace("delivery=", "delivery=0"))


@pytest.mark.parametrize(("key", "field"), [("sendgrid", "webhook_public_key"), ("smtp", "receipt_secret")])
def test_without_a_key_nothing_is_believed(key: str, field: str) -> None:
    with pytest.raises(Unauthenticated):
        _read(key, GOOD[key], **{field: None})


@pytest.mark.parametrize("off", [timedelta(minutes=-6), timedelta(minutes=6)])
def test_an_old_generic_signature_is_refused(off: timedelta) -> None:
    with pytest.raises(Unauthenticated):
        _read("smtp", _generic([], at_ms=int((NOW + off).timestamp() * 1000)))


@pytest.mark.parametrize(
    ("key", "signed"),
    [
        ("sendgrid", callbacks.sendgrid({"event": "open"})),
        ("smtp", _generic({"event": "delivered"})),
        ("smtp", _generic(["delivered"])),
        ("smtp", _generic([{"event": "eaten"}])),
        ("smtp", _generic([{"event": []}])),
        ("smtp", _generic([{"event": "delivered", "reference": "x"}])),
        ("smtp", _generic([{"event": "delivered"}] * (receipts.MAX_EVENTS + 1))),
    ],
)
def test_a_signed_callback_that_makes_no_sense(key: str, signed: callbacks.Signed) -> None:
    with pytest.raises(InvalidRequest):
        _read(key, signed)


@pytest.mark.parametrize("at", [10**18, -(10**18), "tomorrow", "", [], {}, None, True, 1e308])
def test_a_strange_time_is_no_time_or_some_time(at: Any) -> None:
    (update,) = _read("smtp", _generic([{"event": "opened", "at": at}]))
    assert update.at is None or update.at.tzinfo is not None


def test_a_key_that_is_none_is_refused_when_it_is_configured() -> None:
    with pytest.raises(InvalidRequest, match="webhook_public_key"):
        load_settings(REGISTRY["sendgrid"], {**SETTINGS["sendgrid"], "webhook_public_key": "bm8="})


def test_secrets_for_callbacks_are_secrets() -> None:
    for provider in REGISTRY.values():
        assert "receipt_secret" in provider.Settings.secret_fields()
        assert "receipt_secret" in provider.Settings.pinned


def test_a_callback_does_not_show_itself_in_logs() -> None:
    callback = Callback(url=URL, headers={"x": "secret"}, body=b"ada@example.com", received_at=NOW)
    assert "secret" not in repr(callback)
    assert "ada" not in repr(replace(callback))
