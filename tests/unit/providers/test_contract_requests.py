"""What every registered provider must do with a message: its words, and nothing that breaks out of them."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from email import message_from_bytes
from email.policy import default as default_policy
from typing import Any

import pytest

from notify.errors import ContentError
from notify.model.call import (
    HttpCall,
    SmtpCall,
)

from .cases import Cases, Send
from .contract import ALL, EACH, HTTP

SENDS = pytest.mark.parametrize(
    ("cases", "send"),
    [pytest.param(cases, send, id=f"{cases.key}-{send.name}") for cases in ALL for send in cases.sends],
)
INJECTION = "x\r\nBcc: evil@example.com\r\n\r\nevil"


@SENDS
def test_the_call_is_what_the_vendor_wants(cases: Cases, send: Send) -> None:
    send.check(cases.call(send))


@SENDS
def test_calls_do_not_show_secrets_or_content(cases: Cases, send: Send) -> None:
    call = cases.call(send)
    for secret in cases.secrets:
        assert secret not in repr(call) + str(call)
    assert "Ada, hello" not in repr(call)


@SENDS
def test_nothing_in_a_message_splits_a_header(cases: Cases, send: Send) -> None:
    changes = [{"profile": profile} for profile in _injected(send.profile)]
    changes += [{"output": output} for output in _injected(send.output)]
    for change in changes:
        try:
            call = cases.call(send, **change)
        except ContentError:
            continue
        _assert_whole(call)


def _injected(value: Any) -> Iterator[Any]:
    """``value`` once for each text in it, that text replaced by an injection."""
    if isinstance(value, str):
        yield INJECTION
        yield value + "\n" + INJECTION
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from ({**value, key: changed} for changed in _injected(item))
    elif is_dataclass(value) and not isinstance(value, type):
        for part in fields(value):
            for changed in _injected(getattr(value, part.name)):
                yield replace(value, **{part.name: changed})


def _assert_whole(call: Any) -> None:
    if isinstance(call, HttpCall):
        assert call.url.isprintable()
        assert all(text.isprintable() for item in call.headers.items() for text in item)
    if isinstance(call, SmtpCall):
        message = message_from_bytes(call.data, policy=default_policy)
        assert "bcc" not in message
        assert not any("evil" in address for address in call.recipients)
        assert {part.get_content_type() for part in message.walk()} <= {
            "multipart/alternative", "multipart/mixed", "text/plain", "text/html", "application/pdf",
        }  # fmt: skip


@HTTP
def test_an_override_reaches_the_request(cases: Cases) -> None:
    send = cases.sends[0]
    override = {"body": {"added": "by override"}, "headers": {"X-Added": "yes"}, "also": "added"}
    call = cases.call(send, override={**send.override, **override})
    assert isinstance(call, HttpCall)
    assert call.headers["x-added"] == "yes"
    assert b"override" in call.body
    assert b"also" in call.body
    plain = cases.call(send)
    assert isinstance(plain, HttpCall)
    assert call.untrusted is plain.untrusted


@HTTP
def test_an_overridden_url_is_untrusted_and_gets_no_credentials(cases: Cases) -> None:
    send = cases.sends[0]
    call = cases.call(send, override={"url": "https://elsewhere.example/in?x=1"})
    assert isinstance(call, HttpCall)
    assert call.url == "https://elsewhere.example/in?x=1"
    assert call.untrusted
    assert "authorization" not in call.headers
    for secret in cases.secrets:
        assert secret not in str(dict(call.headers))


@HTTP
@pytest.mark.parametrize(
    "override",
    [
        {"headers": {"X-A": "a\r\nX-B: b"}},
        {"headers": {"X-A\r\nX-B": "b"}},
        {"headers": {"Host": "elsewhere"}},
        {"headers": {"Transfer-Encoding": "chunked"}},
        {"headers": ["X-A"]},
        {"url": "ftp://elsewhere.example/"},
        {"url": "https://user:secret@elsewhere.example/"},
        {"url": "https://elsewhere.example/\r\nX-B: b"},
        {"url": 7},
        {"method": "DELETE\r\nX-B: b"},
        {"body": "text"},
        {"config": "text"},
        {"config": {"base_url": "https://elsewhere.example"}},
        {"config": {"rate_limit": None}},
    ],
    ids=str,
)
def test_an_override_that_would_break_out_is_refused(cases: Cases, override: Mapping[str, Any]) -> None:
    with pytest.raises(ContentError):
        cases.call(cases.sends[0], override=override)


@EACH
def test_foreign_output_is_a_content_error(cases: Cases) -> None:
    foreign = [send.output for other in ALL for send in other.sends]
    own = {type(send.output) for send in cases.sends}
    for output in foreign:
        if type(output) not in own and len(cases.provider.channels) == 1:
            with pytest.raises(ContentError):
                cases.call(cases.sends[0], output=output)
