"""Delays: windows in the recipient's zone, and what is looked at again when a wait ends."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from notify import clock
from tests import factories
from tests.integration.harness import Api, Database, Pipeline, Time, row_ids
from tests.servers import ProviderLab


def _date(at: datetime) -> str:
    return f"{at:%b} {at.day}"


def _this_hour(zone: str) -> datetime:
    return clock.now().astimezone(ZoneInfo(zone)).replace(minute=0, second=0, microsecond=0)


def test_a_window_opens_in_each_recipients_own_zone(
    sandbox: Api, pipeline: Pipeline, database: Database
) -> None:
    tokyo = _this_hour("Asia/Tokyo") + timedelta(hours=2)
    to = [
        {"email": "tokyo@example.com", "timezone": "Asia/Tokyo"},
        {"email": "delhi@example.com", "zoneinfo": "Asia/Kolkata"},
    ]
    sandbox.send(to=to, delay={"until": f"{tokyo:%H:%M}-{tokyo + timedelta(minutes=1):%H:%M}"})
    pipeline.drain()
    due = sorted(row["due_at"] for row in database.work())
    assert due == [tokyo, tokyo + timedelta(hours=3, minutes=30)]


def test_the_requests_zone_beats_the_profiles(sandbox: Api, pipeline: Pipeline, database: Database) -> None:
    sandbox.put("/profiles/ada", {"profile": {"email": factories.ADA, "zoneinfo": "Asia/Tokyo"}})
    at = _this_hour("Australia/Lord_Howe") + timedelta(hours=3)
    delay = {"until": f"{at:%H:%M}-{at:%H:%M}", "timezone": "Australia/Lord_Howe"}
    sandbox.send(to={"user_id": "ada"}, delay=delay)
    pipeline.drain()
    assert [row["due_at"] for row in database.work()] == [at]


def test_a_window_is_in_the_log_and_sends_when_it_opens(
    sandbox: Api, pipeline: Pipeline, database: Database, time: Time
) -> None:
    at = _this_hour("UTC") + timedelta(hours=2)
    window = f"{at:%H:%M}-{at + timedelta(minutes=5):%H:%M}"
    id_ = sandbox.send(to={"email": factories.ADA, "timezone": "Mars"}, delay={"until": window})
    pipeline.drain()
    assert sandbox.message(id_)["status"] == "DELAYED"
    (loaded,) = sandbox.history(id_, "PROFILE_LOADED")
    assert loaded["warnings"] == ["Time zone 'Mars' is not known; the next one applies."]
    delayed = next(entry for entry in sandbox.history(id_) if entry["type"] == "DELAYED")
    assert delayed["delay"] == {"duration": window}
    assert (delayed["details"]["date"], delayed["details"]["timezone"]) == (at.isoformat(), "UTC")
    time.passes(seconds=(at - clock.now()).total_seconds() + 1)
    pipeline.dispatch()
    pipeline.drain()
    assert sandbox.message(id_)["status"] == "SENT"


def test_an_open_window_does_not_delay(sandbox: Api, pipeline: Pipeline) -> None:
    id_ = sandbox.send(delay={"until": "Mo-Su 00:00-23:59"})
    pipeline.drain()
    assert sandbox.message(id_)["status"] == "SENT"
    assert "DELAYED" not in sandbox.happened(id_)


def _in_months(months: int) -> str:
    return f"{(clock.now().replace(day=1) + timedelta(days=31 * months)):%b}: 09:00-17:00"


@pytest.mark.parametrize(
    ("delay", "problem"),
    [
        ({"until": "Mo-Fr 9 to 5"}, "message.delay.until: 'Mo-Fr 9 to 5' cannot be read"),
        ({"until": _in_months(5)}, "message.delay.until: The delivery window"),
        (
            {"until": "Mo-Fr 09:00-17:00", "timezone": "Mars"},
            "message.delay.timezone: 'Mars' is no time zone",
        ),
    ],
)
def test_what_can_never_be_is_refused(
    sandbox: Api, database: Database, delay: dict[str, Any], problem: str
) -> None:
    answer = sandbox.post("/send", {"message": factories.message(delay=delay)})
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request_error")
    assert answer.json()["message"].startswith(problem)
    assert database.count("request") == 0


def test_a_window_that_does_not_open_for_one_recipient(sandbox: Api, pipeline: Pipeline) -> None:
    """In the east the last day begins within the ninety, in the west it does not."""
    last = clock.now() + timedelta(days=90, hours=14)
    to = [
        {"email": "east@example.com", "timezone": "UTC+14"},
        {"email": "west@example.com", "timezone": "UTC-12"},
    ]
    request = sandbox.send(to=to, delay={"until": f"{_date(last)}: 00:00-24:00"})
    pipeline.drain()
    found = {m["status"]: m for m in sandbox.messages(traceId=request)}
    assert found.keys() == {"DELAYED", "UNDELIVERABLE"}
    refused = found["UNDELIVERABLE"]
    assert refused["reason"] == "FAILED"
    assert "does not open within 90 days (time zone UTC-12)" in refused["error"]


# --- when the wait ends --------------------------------------------------------------------------


@pytest.fixture
def mailing(api: Api, lab: ProviderLab) -> Api:
    """A production world with SendGrid and a user."""
    api.configure("sendgrid", factories.sendgrid(lab))
    api.put("/profiles/ada", {"profile": {"email": "old@example.com"}})
    return api


def _addresses(lab: ProviderLab) -> list[str]:
    return [to["email"] for mail in lab.requests for to in mail.json()["personalizations"][0]["to"]]


def test_the_profile_of_the_end_counts(
    mailing: Api, pipeline: Pipeline, lab: ProviderLab, time: Time
) -> None:
    changed = mailing.send(to={"user_id": "ada"}, delay={"duration": 60_000})
    kept = mailing.send(to={"user_id": "ada", "email": "here@example.com"}, delay={"duration": 60_000})
    pipeline.drain()
    mailing.put("/profiles/ada", {"profile": {"email": "new@example.com"}})
    time.passes(seconds=61)
    pipeline.dispatch()
    pipeline.drain()
    assert sorted(_addresses(lab)) == ["here@example.com", "new@example.com"]
    assert mailing.happened(changed).count("PROFILE_LOADED") == 2
    assert mailing.happened(kept).count("PROFILE_LOADED") == 1


def test_a_profile_that_is_gone_gets_nothing(
    mailing: Api, pipeline: Pipeline, lab: ProviderLab, time: Time
) -> None:
    id_ = mailing.send(to={"user_id": "ada"}, delay={"duration": 60_000})
    pipeline.drain()
    mailing.delete("/profiles/ada")
    time.passes(seconds=61)
    pipeline.dispatch()
    pipeline.drain()
    assert mailing.ending(id_) == ("UNROUTABLE", "NO_CHANNELS")
    assert not lab.requests


def test_the_providers_of_the_end_count(api: Api, pipeline: Pipeline, lab: ProviderLab, time: Time) -> None:
    id_ = api.send(delay={"duration": 60_000})
    pipeline.drain()
    api.configure("sendgrid", factories.sendgrid(lab))
    time.passes(seconds=61)
    pipeline.dispatch()
    pipeline.drain()
    assert api.message(id_)["status"] == "SENT"


def test_what_was_cancelled_meanwhile_is_not_sent(
    mailing: Api, pipeline: Pipeline, database: Database, lab: ProviderLab, time: Time
) -> None:
    id_ = mailing.send(to={"user_id": "ada"}, delay={"duration": 60_000})
    pipeline.drain()
    database("UPDATE message SET status = 'CANCELED' WHERE id = %s", *row_ids(id_))
    time.passes(seconds=61)
    pipeline.dispatch()
    pipeline.drain()
    assert mailing.message(id_)["status"] == "CANCELED"
    assert not lab.requests
    assert database.work() == []
