"""What really arrives: at an SMTP server, at SMS and chat providers, at a webhook; and why it went there."""

from base64 import b64decode
from email.message import EmailMessage
from typing import Any

import pytest
from courier import Courier

from notify.local.lab import Reply
from tests.acceptance.calls import address, attempts, ended, fresh, history, kinds, send, via, ways
from tests.acceptance.conftest import SENDER, Outside
from tests.acceptance.running import until
from tests.servers.vendors import HOOK_TOKEN

PATIENCE = {"provider": 800}
"""How many milliseconds a provider that is down gets before the next one's turn."""


def part(mail: EmailMessage, kind: str) -> str:
    found = mail.get_body((kind,))
    assert found is not None
    return str(found.get_content())


# --- one provider --------------------------------------------------------------------------------


def test_an_email_arrives_with_subject_html_and_text(production: Courier, outside: Outside) -> None:
    to = address("ada")
    content = {"title": "Grüße, {{name}}", "body": "Your code is **{{code}}**. {{html}}"}
    data = {"name": "Ada", "code": 271828, "html": "<script>alert(1)</script>"}
    id_ = send(production, {"email": to}, content, data=data)

    message = ended(production, id_)
    assert (message.status, ways(message)) == ("SENT", [("email", "smtp", "SENT")])
    (mail,) = outside.mail.to(to)
    assert (mail.sender, mail.recipients) == (SENDER, (to,))
    assert mail.message["subject"] == "Grüße, Ada"
    assert (mail.message["from"], mail.message["to"]) == (SENDER, to)
    assert mail.message.get_content_type() == "multipart/alternative"
    assert "Your code is 271828. <script>" in part(mail.message, "plain")
    assert "<strong>271828</strong>" in part(mail.message, "html")
    assert "<script>" not in part(mail.message, "html")
    assert "queued as" in attempts(message)[0]["reference"]["response"]
    assert kinds(production, id_) == [
        "ENQUEUED", "PROFILE_LOADED", "ROUTED", "RENDERED", "DELIVERING", "SENT",
    ]  # fmt: skip


def test_a_provider_can_be_named_and_its_request_overridden(production: Courier, outside: Outside) -> None:
    to, word = address("ada"), fresh("campaign")
    override = {"sendgrid": {"override": {"body": {"categories": [word]}}}}
    id_ = send(production, {"email": to}, routing=via("sendgrid"), providers=override)

    assert ways(ended(production, id_)) == [("email", "sendgrid", "SENT")]
    (mail,) = [one.json() for one in outside.vendors.of("sendgrid") if to.encode() in one.body]
    assert (mail["subject"], mail["categories"]) == ("Hello", [word])
    assert not outside.mail.to(to)


def test_an_sms_arrives(production: Courier, outside: Outside) -> None:
    channels = {"sms": {"providers": ["twilio:backup"]}}
    content = {"title": "Code", "body": "Your code is {{code}}."}
    id_ = send(
        production, {"phone_number": "+15005550101"}, content, data={"code": 314159}, channels=channels
    )
    assert ways(ended(production, id_)) == [("sms", "twilio", "SENT")]
    (text,) = outside.texts_to("+15005550101")
    assert "Your code is 314159." in text


@pytest.mark.parametrize("target", ["channel", "webhook"])
def test_a_post_to_slack_arrives(production: Courier, outside: Outside, target: str) -> None:
    word = fresh("disk")
    hook = {"incoming_webhook": {"url": f"{outside.vendors.base_url('slack')}/services/T/B/x"}}
    to = {
        "slack": hook if target == "webhook" else {"access_token": "xoxb-lab-token", "channel": "C0GENERAL"}
    }
    message = ended(production, send(production, to, {"title": "Alert", "body": f"{word} is full"}))
    assert ways(message) == [("direct_message", "slack", "SENT")]
    assert outside.slack_posts(word) == 1


def test_a_webhook_is_called_with_its_headers_and_token(production: Courier, outside: Outside) -> None:
    word = fresh("order")
    webhook = {
        "url": f"{outside.vendors.url}/hook/bearer",
        "method": "PUT",
        "headers": {"X-Source": "shop"},
        "authentication": {"mode": "bearer", "token": HOOK_TOKEN},
    }
    id_ = send(production, {"webhook": webhook}, data={"order": word})

    message = ended(production, id_)
    assert (message.status, ways(message)) == ("DELIVERED", [("webhook", "webhook", "DELIVERED")])
    assert message.enqueued <= (message.sent or 0) <= (message.delivered or 0)
    assert kinds(production, id_)[-2:] == ["SENT", "DELIVERED"]
    (call,) = [one for one in outside.vendors.of("hook") if word.encode() in one.body]
    assert (call.method, call.headers["x-source"]) == ("PUT", "shop")
    assert call.headers["idempotency-key"]
    assert call.json()["message"]["data"] == {"order": word}


def test_basic_authentication_of_a_webhook(production: Courier, outside: Outside) -> None:
    word = fresh("order")
    basic = {"mode": "basic", "username": "ada", "password": "s3cret"}
    webhook = {"url": f"{outside.vendors.url}/hook/open", "authentication": basic}
    assert (
        ended(production, send(production, {"webhook": webhook}, data={"order": word})).status == "DELIVERED"
    )
    (call,) = [one for one in outside.vendors.of("hook") if word.encode() in one.body]
    assert b64decode(call.headers["authorization"].split()[1]) == b"ada:s3cret"


# --- what fails over -----------------------------------------------------------------------------


def test_the_second_sms_provider_takes_over_from_one_that_is_down(
    production: Courier, outside: Outside
) -> None:
    number = "+15005550102"
    channels = {"sms": {"providers": ["twilio:primary", "twilio:backup"], "timeouts": PATIENCE}}
    id_ = send(production, {"phone_number": number}, routing=via("sms"), channels=channels)

    message = ended(production, id_)
    assert message.status == "SENT"
    assert ways(message) == [("sms", "twilio", "UNDELIVERABLE"), ("sms", "twilio", "SENT")]
    assert len(outside.texts_to(number)) == 1
    down, up = attempts(message)
    refused = [one for one in tuple(outside.down.requests) if one.form()["To"] == number]
    assert down["attempts"] == len(refused) >= 1
    assert "503" in down["error"]

    retries, (lost,) = (history(production, id_, kind) for kind in ("RETRYING", "UNDELIVERABLE"))
    assert len(retries) == down["attempts"] - 1
    assert all("Service unavailable" in one["error_message"] for one in (*retries, lost))
    (sent,) = history(production, id_, "SENT")
    assert lost["integration"]["id"] != sent["integration"]["id"]
    assert lost["blame"] == "provider"
    assert up["reference"]["sid"].startswith("SM")


def test_a_refused_address_leads_to_the_next_channel(production: Courier, outside: Outside) -> None:
    to, number = address("gone"), "+15005550103"
    outside.mail.refuse["rcpt", to] = "550 5.1.1 No such user here"
    id_ = send(
        production,
        {"email": to, "phone_number": number},
        routing=via("email", "sms"),
        channels={"sms": {"providers": ["twilio:backup"]}},
    )

    message = ended(production, id_)
    # Not to the next e-mail provider: the address is as wrong there.
    assert ways(message) == [("email", "smtp", "UNDELIVERABLE"), ("sms", "twilio", "SENT")]
    assert message.status == "SENT"
    assert (outside.mail.to(to), len(outside.texts_to(number))) == ([], 1)
    (lost,) = history(production, id_, "UNDELIVERABLE")
    assert (lost["channel"]["key"], lost["blame"]) == ("email", "recipient")
    assert "No such user here" in lost["error_message"]


def test_a_provider_that_refuses_us_leads_to_the_next_provider(production: Courier, outside: Outside) -> None:
    to = address("ada")
    outside.mail.refuse["mail", SENDER] = "535 5.7.8 Sender not allowed"
    try:
        message = ended(production, send(production, {"email": to}, routing=via("email")))
    finally:
        del outside.mail.refuse["mail", SENDER]
    assert ways(message) == [("email", "smtp", "UNDELIVERABLE"), ("email", "sendgrid", "SENT")]
    assert "Sender not allowed" in attempts(message)[0]["error"]


def test_when_nothing_is_left_the_message_says_why(production: Courier, outside: Outside) -> None:
    to = address("gone")
    outside.mail.refuse["rcpt", to] = "550 5.1.1 No such user here"
    recipient = {"email": to, "phone_number": "+fail"}
    channels = {"sms": {"providers": ["twilio:backup"]}}
    message = ended(production, send(production, recipient, routing=via("email", "sms"), channels=channels))
    assert (message.status, message.reason) == ("UNDELIVERABLE", "FAILED")
    assert "No such user here" in (message.error or "")
    assert "Invalid 'To' Phone Number" in (message.error or "")


# --- every channel, nested, left out -------------------------------------------------------------


def test_all_sends_through_every_channel_and_one_failure_stops_none(
    production: Courier, outside: Outside
) -> None:
    to, number, word = address("gone"), "+15005550104", fresh("disk")
    outside.mail.refuse["rcpt", to] = "550 5.1.1 No such user here"
    id_ = send(
        production,
        {"email": to, "phone_number": number, "slack": {"channel": "C0GENERAL"}},
        {"title": "Alert", "body": f"{word} is full"},
        routing=via("email", "sms", "direct_message", method="all"),
        channels={"sms": {"providers": ["twilio:backup"]}},
    )
    message = ended(production, id_)
    assert message.status == "SENT"
    assert sorted(ways(message)) == [
        ("direct_message", "slack", "SENT"),
        ("email", "smtp", "UNDELIVERABLE"),
        ("sms", "twilio", "SENT"),
    ]
    assert (len(outside.texts_to(number)), outside.slack_posts(word)) == (1, 1)
    (routed,) = history(production, id_, "ROUTED")
    assert routed["method"] == "all"


def test_a_nested_strategy(production: Courier, outside: Outside) -> None:
    to, number, word = address("ada"), "+15005550105", fresh("disk")
    id_ = send(
        production,
        {"email": to, "phone_number": number, "slack": {"channel": "C0NOWHERE"}},
        {"title": "Alert", "body": f"{word} is full"},
        routing=via("email", via("direct_message", "twilio:backup", "webhook"), method="all"),
    )
    message = ended(production, id_)
    assert sorted(ways(message)) == [
        ("direct_message", "slack", "UNDELIVERABLE"),
        ("email", "smtp", "SENT"),
        ("sms", "twilio", "SENT"),
    ]
    assert (len(outside.mail.to(to)), len(outside.texts_to(number))) == (1, 1)


def test_what_is_left_out_is_explained(production: Courier) -> None:
    recipient = {"email": address("ada")}
    routing = via("push", "sms", {"channel": "email", "if": "data.plan === 'gold'"}, "webhook")
    message = ended(production, id_ := send(production, recipient, routing=routing, data={"plan": "free"}))
    assert (message.status, message.reason, attempts(message)) == ("FILTERED", "FILTERED", [])
    (entry,) = history(production, id_, "FILTERED")
    skipped = {one["entry"]: (one["code"], one["detail"]) for one in entry["skipped"]}
    assert {name: code for name, (code, _) in skipped.items()} == {
        "push": "NO_PROVIDERS",
        "sms": "INCOMPLETE_PROFILE_DATA",
        "email": "FILTERED",
        "webhook": "INCOMPLETE_PROFILE_DATA",
    }
    assert "data.plan === 'gold'" in skipped["email"][1]


def test_production_never_pretends(production: Courier) -> None:
    message = ended(production, send(production, {"firebaseToken": "token"}, routing=via("push")))
    assert (message.status, message.reason, attempts(message)) == ("UNROUTABLE", "NO_PROVIDERS", [])


# --- time ----------------------------------------------------------------------------------------


def test_a_delayed_message_is_held_and_then_sent(production: Courier, outside: Outside) -> None:
    to, wait_ms = address("bob"), 3000
    id_ = send(production, {"email": to}, delay={"duration": wait_ms})
    message = ended(production, id_)
    assert (message.status, len(outside.mail.to(to))) == ("SENT", 1)
    assert (message.sent or 0) - message.enqueued >= wait_ms
    assert kinds(production, id_) == [
        "ENQUEUED", "PROFILE_LOADED", "DELAYED", "ROUTED", "RENDERED", "DELIVERING", "SENT",
    ]  # fmt: skip
    (held,) = history(production, id_, "DELAYED")
    assert held["details"]["date"]


def test_a_delay_until_the_past_is_none(production: Courier, outside: Outside) -> None:
    to = address("bob")
    id_ = send(production, {"email": to}, delay={"until": "2020-01-01"})
    assert ended(production, id_).status == "SENT"
    assert "DELAYED" not in kinds(production, id_)


def test_a_message_out_of_time_is_given_up(production: Courier, outside: Outside) -> None:
    message: dict[str, Any] = {
        "timeout": {"message": 1200},
        "channels": {"sms": {"providers": ["twilio:primary"]}},
    }
    lost = ended(
        production, send(production, {"phone_number": "+15005550106"}, routing=via("sms"), **message)
    )
    assert lost.status == "UNDELIVERABLE"
    assert "503" in (lost.error or "")


def test_a_provider_that_comes_back_gets_the_message(production: Courier, outside: Outside) -> None:
    number = "+15005550107"
    channels = {"sms": {"providers": ["twilio:primary"]}}
    id_ = send(production, {"phone_number": number}, routing=via("sms"), channels=channels)
    until(lambda: history(production, id_, "RETRYING"), "it was refused once")
    taken = Reply.json({"sid": "SM" + "7" * 32, "status": "queued"}, status=201)
    with outside.down.always(taken):
        message = ended(production, id_)
    assert ways(message) == [("sms", "twilio", "SENT")]
    assert attempts(message)[0]["reference"] == {"sid": "SM" + "7" * 32}
