"""What is kept of a provider's answer: little, harmless, and always something that can be stored."""

from base64 import b64encode
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.model.call import (
    Answer,
    HttpAnswer,
    HttpCall,
    KeepCall,
    Kept,
    NoAnswer,
    SmtpAnswer,
    SmtpCall,
    SmtpSecurity,
    SmtpServer,
)
from notify.model.storable import find_fault
from notify.pipeline import answered

TOKEN = "SG.very/secret"
PASSWORD = "hunter-2"
CALL = HttpCall(
    method="POST", url="https://hooks.example/T0/key", headers={"authorization": f"Bearer {TOKEN}"}
)
BASIC = HttpCall(
    method="POST",
    url="https://x.example",
    headers={"authorization": f"Basic {b64encode(f'me:{PASSWORD}'.encode()).decode()}"},
)
SERVER = SmtpServer(host="h", port=25, security=SmtpSecurity.NONE, username="me", password=PASSWORD)
MAIL = SmtpCall(server=SERVER, sender="a@b.c", recipients=("d@e.f",), data=b"")


def _http(body: bytes, status: int = 200) -> HttpAnswer:
    return HttpAnswer(status=status, body=body)


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        (_http(b"", 202), {"status": 202}),
        (_http(b'{"sid": "SM1"}', 201), {"status": 201, "body": {"sid": "SM1"}}),
        (_http(b"[1]"), {"status": 200, "body": [1]}),
        (_http(b"7"), {"status": 200, "body": "7"}),
        (_http(b"no json", 500), {"status": 500, "body": "no json"}),
        (_http(b"\xff\x00\x1bx"), {"status": 200, "body": "x"}),
        (_http(b'{"a": "\\u0000"}'), {"status": 200, "body": '{"a": "\\u0000"}'}),
        (_http(b"[" * 500 + b"]" * 500), {"status": 200, "body": "[" * 500 + "]" * 500}),
        (_http(b'"' + b"x" * 5000 + b'"'), {"status": 200, "body": '"' + "x" * (answered.MAX_BODY - 1)}),
        (SmtpAnswer(code=250, stage="data", text="ok\r\n"), {"code": 250, "stage": "data", "text": "ok\n"}),
        (NoAnswer(error="no answer in time"), None),
        (Kept(), None),
    ],
)
def test_what_is_kept(answer: Answer, kept: dict[str, Any] | None) -> None:
    found = answered.copy(KeepCall(), answer)
    if found and isinstance(found.get("body"), str):
        found["body"] = found["body"].replace("\ufffd", "")
    assert found == kept


@pytest.mark.parametrize(
    ("call", "secret"),
    [(CALL, TOKEN), (CALL, CALL.url), (BASIC, PASSWORD), (BASIC, b64encode(b"me:hunter-2"))],
)
@pytest.mark.parametrize("form", ["{}", '{{"echo": {{"authorization": "Bearer {}"}}}}', '["{}", 1]'])
def test_what_a_provider_echoes_is_masked(call: HttpCall, secret: Any, form: str) -> None:
    text = secret.decode() if isinstance(secret, bytes) else secret
    for written in (text, text.replace("/", "\\/")):
        for padding in ("", " " * answered.MAX_BODY):
            found = answered.copy(call, _http((form.format(written) + padding).encode()))
            assert text not in str(found).replace("\\\\", "\\").replace("\\/", "/")
            assert "********" in str(found)


def test_a_mail_servers_answer_does_not_tell_the_password() -> None:
    found = answered.copy(MAIL, SmtpAnswer(code=535, stage="auth", text=f"no {PASSWORD} here"))
    assert found == {"code": 535, "stage": "auth", "text": "no ******** here"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.binary(max_size=3000) | JSON.map(lambda value: repr(value).encode(errors="replace")))
def test_whatever_was_answered_can_be_stored(body: bytes) -> None:
    found = answered.copy(CALL, _http(body))
    assert find_fault(found) is None
    assert len(orjson.dumps(found)) < 6 * answered.MAX_BODY
