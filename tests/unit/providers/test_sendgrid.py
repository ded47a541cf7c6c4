"""SendGrid: v3 mail/send."""

from typing import Any

import orjson
import pytest

from notify.errors import ContentError
from notify.model.call import Accepted, Blame, HttpAnswer, HttpCall, Permanent, Transient
from notify.model.output import EmailOutput

from .cases import Cases, Send

MAIL = EmailOutput(subject="Héllo", html="<p>Ada, hello</p>", text="Ada, hello")
ADA = {"email": "ada@example.com"}


def _payload(**changes: Any) -> dict[str, Any]:
    return {
        "personalizations": [{"to": [{"email": "ada@example.com"}]}],
        "from": {"email": "shop@example.com", "name": "Shop"},
        "subject": "Héllo",
        "content": [
            {"type": "text/plain", "value": "Ada, hello"},
            {"type": "text/html", "value": "<p>Ada, hello</p>"},
        ],
        "custom_args": {
            "notify_message_id": "1-5e2b2615-05efbb3acab9172f88dd3f6f",
            "notify_delivery_id": "d1f2",
        },
        **changes,
    }


def _plain(call: HttpCall) -> None:
    assert (call.method, call.url) == ("POST", "https://api.sendgrid.com/v3/mail/send")
    assert call.headers == {"content-type": "application/json", "authorization": "Bearer SG.hush-hush"}
    assert orjson.loads(call.body) == _payload()
    assert not call.untrusted


def _with_words(call: HttpCall) -> None:
    payload = orjson.loads(call.body)
    assert payload["personalizations"] == [
        {"to": [{"email": "ada@example.com"}], "cc": [{"email": "bob@example.com", "name": "Bob"}]}
    ]
    assert payload["from"] == {"email": "team@example.com", "name": "Team"}
    assert payload["reply_to"] == {"email": "help@example.com"}
    assert payload["subject"] == "Another"
    assert payload["attachments"] == [{"content": "aGk=", "type": "text/plain", "filename": "hi.txt"}]
    assert payload["categories"] == ["orders"]


def _eu(call: HttpCall) -> None:
    assert call.url == "https://api.eu.sendgrid.com/v3/mail/send"
    assert orjson.loads(call.body)["reply_to"] == {"email": "help@example.com"}
    assert call.headers["authorization"] == "Bearer SG.of-this-send"


CASES = Cases(
    key="sendgrid",
    settings={"api_key": "SG.hush-hush", "from_address": "shop@example.com", "from_name": "Shop"},
    secrets=("SG.hush-hush",),
    required=("api_key", "from_address"),
    incomplete=({}, {"email": ""}, {"email": 7}, {"phone_number": "+4930123"}),
    sends=(
        Send(name="plain", profile=ADA, output=MAIL, check=_plain),
        Send(
            name="override",
            profile=ADA,
            output=MAIL,
            check=_with_words,
            override={
                "subject": "Another",
                "from": "Team <team@example.com>",
                "reply_to": "help@example.com",
                "cc": [{"email": "bob@example.com", "name": "Bob"}],
                "attachments": [{"filename": "hi.txt", "contentType": "text/plain", "data": "aGk="}],
                "body": {"categories": ["orders"]},
            },
        ),
        Send(
            name="eu",
            profile=ADA,
            output=MAIL,
            check=_eu,
            settings={"base_url": "https://api.eu.sendgrid.com/", "reply_to": "help@example.com"},
            override={"config": {"api_key": "SG.of-this-send"}},
        ),
    ),
    answers=(
        (HttpAnswer(status=202, headers={"x-message-id": "m1"}), Accepted(reference={"x-message-id": "m1"})),
        (HttpAnswer(status=202), Accepted()),
        *(
            (
                HttpAnswer(status=status, body=orjson.dumps({"errors": [{"message": "no", "field": field}]})),
                Permanent(reason=f"HTTP {status}: no", blame=blame),
            )
            for status, field, blame in (
                (400, "personalizations.0.to.0.email", Blame.RECIPIENT),
                (400, "from.email", Blame.PROVIDER),
                (400, "content.0.value", Blame.CONTENT),
                (400, "subject", Blame.CONTENT),
                (400, None, Blame.PROVIDER),
                (401, None, Blame.PROVIDER),
                (403, "from", Blame.PROVIDER),
                (404, None, Blame.PROVIDER),
                (413, None, Blame.CONTENT),
            )
        ),
        (
            HttpAnswer(status=429, headers={"retry-after": "2"}, body=b'{"errors":[{"message":"too many"}]}'),
            Transient(reason="too many", retry_after_s=2.0),
        ),
    ),
)


@pytest.mark.parametrize(
    "override",
    [
        {"cc": "not an address"},
        {"from": "Shop\r\nBcc: evil@example.com <shop@example.com>"},
        {"attachments": "file"},
        {"attachments": [{"filename": "a", "data": "!!!"}]},
        {"attachments": [{"filename": "a\r\nb", "data": "aGk="}]},
        {"attachments": [{"filename": "a", "data": "aGk=", "type": "text/html; x=y"}]},
        {"text": "", "html": ""},
        {"text": 7},
    ],
    ids=str,
)
def test_override_words_that_cannot_be_said(override: dict[str, Any]) -> None:
    with pytest.raises(ContentError):
        CASES.call(CASES.sends[0], override=override)
