"""The webhook channel."""

from base64 import b64encode
from typing import Any

import orjson
import pytest

from notify.errors import ContentError, InvalidRequest
from notify.model.call import Accepted, Blame, HttpAnswer, HttpCall, Permanent, Transient
from notify.model.output import WebhookOutput

from .cases import Cases, Send

PAYLOAD = {"message": {"template": "t", "to": {"user_id": "ada"}, "data": {"text": "Ada, hello"}}}
OUT = WebhookOutput(payload=PAYLOAD)
HOOK = {"url": "https://hooks.example.com/in"}


def _static(call: HttpCall) -> None:
    assert (call.method, call.url) == ("POST", "https://static.example.com/in")
    assert call.headers == {
        "content-type": "application/json",
        "idempotency-key": "d1f2",
        "authorization": "Bearer hush-hush",
        "x-key": "hush-key",
    }
    assert orjson.loads(call.body) == PAYLOAD
    assert not call.untrusted


def _recipients_own(call: HttpCall) -> None:
    assert (call.method, call.url) == ("PUT", HOOK["url"])
    assert call.untrusted
    assert call.headers["authorization"] == "Basic " + b64encode("ada:pässword".encode()).decode()
    assert call.headers["x-team"] == "7"
    assert "x-key" not in call.headers


def _bare(call: HttpCall) -> None:
    assert call.headers == {"content-type": "application/json", "idempotency-key": "d1f2"}


def _get(call: HttpCall) -> None:
    assert (call.method, call.body) == ("GET", b"")


CASES = Cases(
    key="webhook",
    settings={
        "url": "https://static.example.com/in",
        "authentication": "bearer",
        "token": "hush-hush",
        "headers": {"X-Key": "hush-key"},
    },
    secrets=("hush-hush", "hush-key"),
    required=(),
    incomplete=(),
    sends=(
        Send(name="static", profile={}, output=OUT, check=_static),
        Send(
            name="own",
            profile={
                "webhook": {
                    **HOOK,
                    "method": "put",
                    "headers": {"X-Team": "7"},
                    "authentication": {"mode": "basic", "username": "ada", "password": "pässword"},
                }
            },
            output=OUT,
            check=_recipients_own,
        ),
        Send(
            name="none",
            profile={"webhook": {**HOOK, "authentication": {"mode": "none"}}},
            output=OUT,
            check=_bare,
        ),
        Send(name="get", profile={"webhook": {**HOOK, "method": "GET"}}, output=OUT, check=_get),
    ),
    answers=(
        *(
            (HttpAnswer(status=status, body=b"<html>"), Accepted(delivered=True))
            for status in (200, 202, 204)
        ),
        (HttpAnswer(status=302), Permanent(reason="HTTP 302", blame=Blame.PROVIDER)),
        (HttpAnswer(status=400), Permanent(reason="HTTP 400", blame=Blame.RECIPIENT)),
        (HttpAnswer(status=404), Permanent(reason="HTTP 404", blame=Blame.RECIPIENT)),
        (HttpAnswer(status=410), Permanent(reason="HTTP 410", blame=Blame.RECIPIENT)),
        (HttpAnswer(status=503, headers={"retry-after": "9"}), Transient(reason="503", retry_after_s=9.0)),
    ),
)


def test_without_any_url() -> None:
    settings = CASES.loaded(url=None)
    assert CASES.provider.missing({}, CASES.channel, settings) == "webhook.url"
    with pytest.raises(ContentError):
        CASES.call(Send(name="", profile={}, output=OUT, check=_bare, settings={"url": None}))


@pytest.mark.parametrize(
    "webhook",
    [
        {"url": "file:///etc/passwd"},
        {"url": "https://"},
        {"url": "https://h:99999/"},
        {"url": "https://a b.example/"},
        {**HOOK, "method": "DELETE"},
        {**HOOK, "headers": {"Host": "x"}},
        {**HOOK, "headers": {"Content-Length": "1"}},
        {**HOOK, "headers": {"X-A": {"nested": 1}}},
        {**HOOK, "authentication": "bearer"},
        {**HOOK, "authentication": {"mode": "digest"}},
        {**HOOK, "authentication": {"mode": "bearer"}},
        {**HOOK, "authentication": {"mode": "bearer", "token": "a\r\nX-B: b"}},
    ],
    ids=str,
)
def test_a_recipient_that_cannot_be_called(webhook: dict[str, Any]) -> None:
    with pytest.raises(ContentError):
        CASES.call(CASES.sends[0], profile={"webhook": webhook})


@pytest.mark.parametrize("url", ["ftp://x.example", "https://user:pw@x.example", "nonsense"])
def test_settings_want_a_plain_url(url: str) -> None:
    with pytest.raises(InvalidRequest, match=r"settings\.url"):
        CASES.loaded(url=url)
