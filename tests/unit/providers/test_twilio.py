"""Twilio: Messages.json."""

from base64 import b64encode
from urllib.parse import parse_qs

import orjson
import pytest

from notify.errors import InvalidRequest
from notify.model.call import Accepted, Blame, HttpAnswer, HttpCall, Permanent, Transient
from notify.model.output import SmsOutput

from .cases import Cases, Send

SMS = SmsOutput(body="Ada, hello & goodbye + ünïcode")
ADA = {"phone_number": " +4930123456 "}


def _plain(call: HttpCall) -> None:
    assert (call.method, call.url) == (
        "POST",
        "https://api.twilio.com/2010-04-01/Accounts/AC01/Messages.json",
    )
    assert call.headers == {
        "content-type": "application/x-www-form-urlencoded",
        "authorization": "Basic " + b64encode(b"AC01:hush-hush").decode(),
    }
    assert parse_qs(call.body.decode()) == {
        "To": ["+4930123456"], "From": ["+15550001"], "Body": ["Ada, hello & goodbye + ünïcode"],
    }  # fmt: skip


def _by_service(call: HttpCall) -> None:
    form = parse_qs(call.body.decode())
    assert form["MessagingServiceSid"] == ["MG01"]
    assert "From" not in form
    assert form["StatusCallback"] == ["https://example.com/cb"]
    assert form["MediaUrl"] == ["https://example.com/1.png", "https://example.com/2.png"]


def _error(status: int, code: int) -> HttpAnswer:
    return HttpAnswer(status=status, body=orjson.dumps({"code": code, "message": "no", "status": status}))


CASES = Cases(
    key="twilio",
    settings={"account_sid": "AC01", "auth_token": "hush-hush", "from_number": "+15550001"},
    secrets=("hush-hush",),
    required=("account_sid", "auth_token"),
    incomplete=({}, {"phone_number": ""}, {"email": "ada@example.com"}),
    sends=(
        Send(name="plain", profile=ADA, output=SMS, check=_plain),
        Send(
            name="service",
            profile=ADA,
            output=SMS,
            check=_by_service,
            settings={"messaging_service_sid": "MG01"},
            override={
                "body": {"StatusCallback": "https://example.com/cb"},
                "MediaUrl": ["https://example.com/1.png", "https://example.com/2.png"],
            },
        ),
    ),
    answers=(
        (HttpAnswer(status=201, body=b'{"sid":"SM1","status":"queued"}'), Accepted(reference={"sid": "SM1"})),
        (HttpAnswer(status=201, body=b"{broken"), Accepted()),
        (
            HttpAnswer(status=201, body=b'{"sid":"SM1","status":"failed","error_code":30003}'),
            Permanent(reason="30003", blame=Blame.RECIPIENT),
        ),
        *(
            (_error(400, code), Permanent(reason=f"HTTP 400: {code} no", blame=blame))
            for code, blame in (
                *(
                    (code, Blame.RECIPIENT)
                    for code in (21211, 21214, 21408, 21610, 21612, 21614, 30003, 30005)
                ),
                *((code, Blame.CONTENT) for code in (21602, 21617, 30007)),
                *((code, Blame.PROVIDER) for code in (21606, 21608, 21659, 30002, 30034)),
                (99999, Blame.RECIPIENT),
            )
        ),
        (_error(401, 20003), Permanent(reason="20003", blame=Blame.PROVIDER)),
        (_error(404, 20404), Permanent(reason="20404", blame=Blame.PROVIDER)),
        (HttpAnswer(status=404), Permanent(reason="HTTP 404", blame=Blame.PROVIDER)),
        (_error(429, 20429), Transient(reason="20429")),
        (_error(400, 21611), Transient(reason="21611")),
    ),
)


def test_somebody_must_send() -> None:
    with pytest.raises(InvalidRequest, match="from_number or messaging_service_sid"):
        CASES.loaded(from_number=None)
