"""What every registered provider must do, whatever its vendor: from settings to strange answers."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from email import message_from_bytes
from email.policy import default as default_policy
from typing import Any

import orjson
import pytest

from notify.errors import ContentError, InvalidRequest
from notify.model.call import (
    Accepted,
    Blame,
    HttpAnswer,
    HttpCall,
    NoAnswer,
    Permanent,
    SmtpAnswer,
    SmtpCall,
    Transient,
)
from notify.providers.base import load_settings
from notify.providers.registry import REGISTRY

from .cases import Cases, Send, all_cases, cases_of

ALL = all_cases()
EACH = pytest.mark.parametrize("cases", ALL, ids=lambda cases: cases.key)
HTTP = pytest.mark.parametrize(
    "cases",
    [cases for cases in ALL if isinstance(cases.call(cases.sends[0]), HttpCall)],
    ids=lambda cases: cases.key,
)
SENDS = pytest.mark.parametrize(
    ("cases", "send"),
    [pytest.param(cases, send, id=f"{cases.key}-{send.name}") for cases in ALL for send in cases.sends],
)
INJECTION = "x\r\nBcc: evil@example.com\r\n\r\nevil"


@pytest.mark.parametrize("key", sorted(REGISTRY))
def test_every_registered_provider_has_cases(key: str) -> None:
    cases = cases_of(key)
    assert cases.key == key == REGISTRY[key].key
    assert cases.sends
    assert cases.answers
    assert REGISTRY[key].name
    assert REGISTRY[key].description
    assert REGISTRY[key].channels


# --- settings


@EACH
def test_every_missing_setting_is_named_at_once(cases: Cases) -> None:
    if not cases.required:
        pytest.skip("nothing is required")
    with pytest.raises(InvalidRequest) as caught:
        load_settings(cases.provider, {})
    for name in cases.required:
        assert f"settings.{name}" in str(caught.value)


@EACH
def test_secrets_are_marked_and_never_shown(cases: Cases) -> None:
    settings = cases.loaded()
    shown = repr(settings) + str(settings) + repr(dict(settings))
    marked = {name: value for name, value in cases.settings.items() if name in settings.secret_fields()}
    for secret in cases.secrets:
        assert secret not in shown
        assert secret in orjson.dumps(marked).decode()


@EACH
def test_a_wrong_setting_does_not_echo_secrets(cases: Cases) -> None:
    for name in type(cases.loaded()).secret_fields():
        with pytest.raises(InvalidRequest) as caught:
            load_settings(cases.provider, {**cases.settings, name: ["hush-hush"]})
        assert "hush-hush" not in str(caught.value)


@EACH
@pytest.mark.parametrize(
    "limit",
    [{"rate": 2000, "period": "second"}, {"rate": 0, "period": "hour"}, {"rate": 1, "period": "year"}],
)
def test_rate_limits_out_of_bounds_are_refused(cases: Cases, limit: Mapping[str, Any]) -> None:
    assert cases.loaded(rate_limit={"rate": 10, "period": "second"}).rate_limit is not None
    with pytest.raises(InvalidRequest, match=r"settings\.rate_limit"):
        cases.loaded(rate_limit=limit)


# --- profile


@EACH
def test_a_profile_suffices_or_says_what_it_lacks(cases: Cases) -> None:
    for send in cases.sends:
        assert cases.provider.missing(send.profile, cases.channel, cases.loaded(**send.settings)) is None
    for profile in cases.incomplete:
        assert cases.provider.missing(profile, cases.channel, cases.loaded())


# --- requests


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
    assert not call.untrusted or cases.call(send).untrusted


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


# --- outcomes


@pytest.mark.parametrize(
    ("cases", "answer", "outcome"),
    [
        pytest.param(cases, answer, outcome, id=f"{cases.key}-{at}")
        for cases in ALL
        for at, (answer, outcome) in enumerate(cases.answers)
    ],
)
def test_the_vendors_answers_mean_what_they_mean(cases: Cases, answer: Any, outcome: Any) -> None:
    found = cases.provider.outcome(answer)
    if isinstance(outcome, Accepted):
        assert found == outcome
        return
    assert type(found) is type(outcome)
    assert outcome.reason in found.reason
    assert getattr(found, "blame", None) == getattr(outcome, "blame", None)
    assert getattr(found, "retry_after_s", None) == getattr(outcome, "retry_after_s", None)


@EACH
@pytest.mark.parametrize("error", ["no answer in time", "cannot connect: refused", "the connection broke"])
def test_no_answer_is_worth_another_try(cases: Cases, error: str) -> None:
    assert cases.provider.outcome(NoAnswer(error=error)) == Transient(reason=error)


@EACH
def test_a_forbidden_address_is_final(cases: Cases) -> None:
    outcome = cases.provider.outcome(NoAnswer(error="private", forbidden=True))
    assert outcome == Permanent(reason="private", blame=Blame.RECIPIENT)


@HTTP
@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 599])
def test_trouble_on_their_side_is_transient(cases: Cases, status: int) -> None:
    for body in (
        b"",
        b"{broken",
        b'{"errors": 7, "error": [], "code": {}}',
        b"<html>",
        b"\xff\xfe",
        b"[]",
        b"null",
    ):
        assert isinstance(cases.provider.outcome(HttpAnswer(status=status, body=body)), Transient)


@HTTP
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:10 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 10.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0.0),
        ({"retry-after": "999999999"}, 86400.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "nan"}, None),
        ({}, None),
    ],
    ids=str,
)
def test_retry_after_in_both_forms(cases: Cases, headers: dict[str, str], seconds: float | None) -> None:
    outcome = cases.provider.outcome(HttpAnswer(status=429, headers=headers))
    assert isinstance(outcome, Transient)
    assert outcome.retry_after_s == seconds


@HTTP
@pytest.mark.parametrize("status", [301, 302, 307, 401, 403, 405])
def test_what_another_provider_may_do_better(cases: Cases, status: int) -> None:
    outcome = cases.provider.outcome(HttpAnswer(status=status, headers={"location": "/x"}))
    assert isinstance(outcome, Permanent)
    assert outcome.blame is Blame.PROVIDER


@HTTP
@pytest.mark.parametrize("status", [200, 201, 302, 400, 404, 422, 500])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{broken",
        b"\xff\xfe\x00",
        b'{"error": "' + b"x" * 300_000 + b'"}',
        b'{"message": "' + b"y" * 300_000,
        b'{"errors": [{"message": "a\\nb\\u0000c"}], "message": "a\\nb\\u0000c", "error": "a\\nb\\u0000c"}',
        b"[" * 50_000,
    ],
    ids=["empty", "broken", "binary", "oversized", "cut", "control", "deep"],
)
def test_strange_bodies_never_raise_and_reasons_stay_short(cases: Cases, status: int, body: bytes) -> None:
    outcome = cases.provider.outcome(HttpAnswer(status=status, body=body))
    if not isinstance(outcome, Accepted):
        assert len(outcome.reason) < 400
        assert outcome.reason.isprintable()


@EACH
def test_an_answer_of_another_kind_is_no_acceptance(cases: Cases) -> None:
    foreign = SmtpAnswer(code=250, text="ok", stage="data") if cases.key != "smtp" else HttpAnswer(status=200)
    assert not isinstance(cases.provider.outcome(foreign), Accepted)
