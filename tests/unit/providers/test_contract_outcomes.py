"""What every registered provider must make of answers, the strange ones above all."""

from typing import Any

import pytest

from notify.model.call import (
    Accepted,
    Blame,
    HttpAnswer,
    NoAnswer,
    Permanent,
    SmtpAnswer,
    Transient,
)

from .cases import Cases
from .contract import ALL, EACH, HTTP


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
    assert isinstance(found, Transient | Permanent)
    assert isinstance(outcome, Transient | Permanent)
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
        outcome = cases.provider.outcome(HttpAnswer(status=status, body=body))
        assert isinstance(outcome, Transient)
        assert outcome.busy is (status == 429)


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
