"""Overrides: what a message changes in a provider's request, after rendering (spec/send.md, "Overrides")."""

import base64
from typing import Any

import pytest

from tests import factories
from tests.integration.harness import Api, Pipeline
from tests.servers import MailLab, ProviderLab

FILE = {"filename": "a.txt", "contentType": "text/plain", "data": base64.b64encode(b"hello").decode()}


@pytest.fixture
def smtp(api: Api, mail: MailLab) -> str:
    return api.configure("smtp", factories.smtp(mail))


@pytest.fixture
def sendgrid(api: Api, lab: ProviderLab) -> str:
    return api.configure("sendgrid", factories.sendgrid(lab))


@pytest.fixture
def twilio(api: Api, lab: ProviderLab) -> str:
    return api.configure("twilio", factories.twilio(lab))


EMAIL = {
    "subject": "Other",
    "from": {"email": "other@example.com", "name": "Other"},
    "reply_to": "reply@example.com",
    "cc": "cc@example.com",
    "bcc": ["bcc@example.com"],
    "html": "<b>other</b>",
    "text": "other",
    "headers": {"X-Campaign": "summer"},
    "attachments": [FILE, {"filename": "b.bin", "type": "a/b", "content": FILE["data"]}],
}


@pytest.mark.usefixtures("smtp")
def test_a_channels_override_is_the_mail_that_smtp_sends(api: Api, pipeline: Pipeline, mail: MailLab) -> None:
    """send.md, Overrides, row email."""
    id_ = api.send(channels={"email": {"override": EMAIL}})
    pipeline.drain()
    (arrived,) = mail.to(factories.ADA)
    message = arrived.message
    assert (message["subject"], message["from"], message["reply-to"], message["cc"]) == (
        "Other", "Other <other@example.com>", "reply@example.com", "cc@example.com",
    )  # fmt: skip
    assert message["x-campaign"] == "summer"
    assert message["bcc"] is None
    assert set(arrived.recipients) == {factories.ADA, "cc@example.com", "bcc@example.com"}
    html, text = message.get_body(("html",)), message.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert (html.get_content().strip(), text.get_content().strip()) == ("<b>other</b>", "other")
    assert [part.get_content_type() for part in message.iter_attachments()] == ["text/plain", "a/b"]
    # Overrides are applied after rendering: the output never shows them.
    assert api.output(id_, "email")["subject"] == "Hello"


OWN = {
    "from": "{{data.team}} <team@example.com>",
    "reply_to": "{{data.reply}}",
    "cc": ["cc@example.com", "{{data.missing}}"],
    "bcc": ["bcc@example.com"],
}


@pytest.mark.usefixtures("smtp")
@pytest.mark.parametrize("override", [{}, {"cc": "other@example.com", "headers": {"X-Kind": "x"}}])
def test_a_templates_own_sender_and_copies(
    api: Api, pipeline: Pipeline, mail: MailLab, override: dict[str, Any]
) -> None:
    """A template's `email` may hold variables; `channels.email.override` beats it, word by word."""
    api.send(
        template=api.template(email=OWN),
        data={"team": "The Team", "reply": "help@example.com"},
        routing={"method": "single", "channels": ["email"]},
        channels={"email": {"override": override}},
    )
    pipeline.drain()
    (arrived,) = mail.to(factories.ADA)
    message = arrived.message
    assert (message["from"], message["reply-to"]) == ("The Team <team@example.com>", "help@example.com")
    assert message["cc"] == override.get("cc", "cc@example.com")
    assert "bcc@example.com" in arrived.recipients
    assert message["x-kind"] == override.get("headers", {}).get("X-Kind")


def test_a_templates_sender_that_can_never_be_rendered_is_refused(api: Api) -> None:
    body = {"notification": factories.template(email={"cc": ["a@b.c", "{% if %}"]})}
    answer = api.post("/notifications", body)
    assert (answer.status_code, "notification.email.cc[1]" in answer.json()["message"]) == (400, True)


EVE = ("Eve <eve@example.com>,", "eve@example.com, x@example.com", "x\r\nBcc: eve@example.com", '"> <eve@b.c')


@pytest.mark.usefixtures("smtp")
@pytest.mark.parametrize("value", EVE)
def test_a_value_in_a_name_is_no_address(api: Api, pipeline: Pipeline, mail: MailLab, value: str) -> None:
    api.send(
        template=api.template(
            email={"from": '"{{data.x}}" <team@example.com>', "cc": ["{{data.x}} <cc@b.org>"]}
        ),
        data={"x": value},
        routing={"method": "single", "channels": ["email"]},
    )
    pipeline.drain()
    (arrived,) = mail.to(factories.ADA)
    assert (arrived.sender, set(arrived.recipients)) == ("team@example.com", {factories.ADA, "cc@b.org"})
    assert [box.addr_spec for box in arrived.message["from"].addresses] == ["team@example.com"]
    assert arrived.message["bcc"] is None


@pytest.mark.usefixtures("smtp")
@pytest.mark.parametrize("value", EVE)
def test_a_templates_sender_that_is_none_fails_its_message(api: Api, pipeline: Pipeline, value: str) -> None:
    id_ = api.send(
        template=api.template(email={"from": "{{data.x}}"}),
        data={"x": value},
        routing={"method": "single", "channels": ["email"]},
    )
    pipeline.drain()
    assert api.ending(id_) == ("UNDELIVERABLE", "FAILED")


@pytest.mark.usefixtures("sendgrid")
def test_a_channels_override_is_the_mail_that_sendgrid_sends(
    api: Api, pipeline: Pipeline, lab: ProviderLab
) -> None:
    """send.md, Overrides, row email: the same words for a provider with a form of its own."""
    api.send(channels={"email": {"override": EMAIL}})
    pipeline.drain()
    (request,) = lab.of("sendgrid")
    sent = request.json()
    assert (sent["subject"], sent["from"], sent["reply_to"]) == (
        "Other", {"email": "other@example.com", "name": "Other"}, {"email": "reply@example.com"},
    )  # fmt: skip
    assert sent["personalizations"][0]["cc"] == [{"email": "cc@example.com"}]
    assert sent["personalizations"][0]["bcc"] == [{"email": "bcc@example.com"}]
    assert [part["value"] for part in sent["content"]] == ["other", "<b>other</b>"]
    assert sent["headers"] == {"X-Campaign": "summer"}
    assert sent["attachments"][0] == {"content": FILE["data"], "type": "text/plain", "filename": "a.txt"}
    assert "x-campaign" not in request.headers


@pytest.mark.usefixtures("twilio")
def test_a_channels_override_of_an_sms(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    """send.md, Overrides, row sms."""
    api.send(to={"phone_number": factories.PHONE}, channels={"sms": {"override": {"body": "short"}}})
    pipeline.drain()
    assert [request.form()["Body"] for request in lab.of("twilio")] == ["short"]


def test_a_channels_override_of_a_chat_message(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    api.configure("slack", factories.slack(lab))
    slack = {"access_token": factories.SLACK_TOKEN, "channel": "C0GENERAL"}
    api.send(
        to={"slack": slack}, channels={"direct_message": {"override": {"text": "other", "mrkdwn": False}}}
    )
    pipeline.drain()
    (request,) = lab.of("slack")
    sent = request.json()
    assert (sent["text"], sent["mrkdwn"]) == ("other", False)
    assert "blocks" not in sent


def test_an_override_of_a_webhook(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    """delivery.md, section 4: an override may replace url, method, headers, body."""
    api.configure("webhook", factories.hook(lab))
    override = {
        "method": "PUT",
        "headers": {"X-A": "b"},
        "body": {"message": {"data": {"more": 1}}, "top": 2},
    }
    api.send(
        to={"user_id": "ada", "email": factories.ADA},
        routing={"method": "single", "channels": ["webhook"]},
        data={"n": 1},
        providers={"webhook": {"override": override}},
    )
    pipeline.drain()
    (request,) = lab.of("hook")
    assert (request.method, request.headers["x-a"]) == ("PUT", "b")
    assert request.json()["message"]["data"] == {"n": 1, "more": 1}
    assert request.json()["top"] == 2


@pytest.mark.usefixtures("sendgrid")
def test_the_nearer_to_the_provider_the_stronger(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    """A provider's override beats its channel's; objects merge, all else replaces."""
    listed = {"provider": "sendgrid", "override": {"subject": "listed", "body": {"custom_args": {"a": "1"}}}}
    api.send(
        channels={
            "email": {
                "override": {"subject": "channel", "text": "channel", "categories": ["kept"]},
                "providers": [listed],
            },
            "sendgrid": {"override": {"subject": "named", "custom_args": {"b": "2"}}},
        },
        providers={"sendgrid": {"override": {"subject": "provider", "body": {"custom_args": {"c": "3"}}}}},
    )
    pipeline.drain()
    sent = lab.of("sendgrid")[0].json()
    assert (sent["subject"], sent["content"][0]["value"]) == ("provider", "channel")
    assert sent["categories"] == ["kept"]
    assert {"a": "1", "b": "2", "c": "3"}.items() <= sent["custom_args"].items()


def test_a_failover_gets_its_own_providers_override(
    api: Api, pipeline: Pipeline, lab: ProviderLab, mail: MailLab
) -> None:
    api.configure("sendgrid", {**factories.sendgrid(lab), "api_key": "SG.wrong"})
    api.configure("smtp", factories.smtp(mail))
    api.send(
        channels={"email": {"override": {"subject": "channel"}}},
        providers={"sendgrid": {"override": {"subject": "first"}}, "smtp": {"override": {"text": "second"}}},
    )
    pipeline.drain()
    assert lab.of("sendgrid")[0].json()["subject"] == "first"
    (arrived,) = mail.to(factories.ADA)
    text = arrived.message.get_body(("plain",))
    assert text is not None
    assert (arrived.message["subject"], text.get_content().strip()) == ("channel", "second")


@pytest.mark.usefixtures("smtp")
@pytest.mark.parametrize(
    "override",
    [
        {"headers": {"X-A": "a\r\nBcc: evil@example.com"}},
        {"headers": {"X-A\r\nBcc": "evil@example.com"}},
        {"headers": {"Bcc": "evil@example.com"}},
        {"headers": {"Content-Type": "text/html"}},
        {"from": {"email": "a@example.com", "name": "x\r\nBcc: evil@example.com"}},
        {"reply_to": "a@example.com\nBcc: evil@example.com"},
        {"cc": ["a@example.com\r\nX: y"]},
        {"attachments": [{**FILE, "filename": 'a"\r\nX-Evil: 1'}]},
        {"attachments": [{**FILE, "contentType": "text/plain\r\nX-Evil: 1"}]},
        {"attachments": [{**FILE, "data": "no base64!"}]},
        {"attachments": [FILE] * 101},
        {"bcc": ["a@example.com"] * 501},
        {"headers": {f"X-{n}": "a" for n in range(101)}},
        {"subject": 5},
        {"html": None, "text": {}},
    ],
)
def test_an_override_that_cannot_be_sent_fails_its_message_with_the_reason(
    api: Api, pipeline: Pipeline, mail: MailLab, override: dict[str, Any]
) -> None:
    id_ = api.send(channels={"email": {"override": override}})
    pipeline.drain()
    found = api.message(id_)
    assert (found["status"], len(mail.mails)) == ("UNDELIVERABLE", 0)
    assert found["error"].startswith("email/smtp: ")


@pytest.mark.usefixtures("smtp")
def test_a_subject_with_line_ends_is_one_line(api: Api, pipeline: Pipeline, mail: MailLab) -> None:
    api.send(channels={"email": {"override": {"subject": "a\r\nBcc: evil@example.com"}}})
    pipeline.drain()
    (arrived,) = mail.to(factories.ADA)
    assert arrived.message["subject"] == "a Bcc: evil@example.com"
    assert list(arrived.recipients) == [factories.ADA]
