"""delays: exact durations, instants, windows in the recipient's zone, and which zone that is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from notify import clock
from notify.errors import InvalidRequest
from notify.model.wire import Delay
from notify.recipients.resolve import merge_profile
from notify.routing.delays import Hold, check, hold

TUESDAY_NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
NINE_TO_FIVE = {"until": "Mo-Fr 09:00-17:00"}


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: TUESDAY_NOON)


def held(delay: dict[str, Any], **given: Any) -> Hold:
    """``given``: ``to`` and the stored ``profile``."""
    entry, stored = given.get("to", {}), given.get("profile", {})
    return hold(
        Delay.model_validate(delay),
        entry=entry,
        profile=merge_profile(stored, entry),
        accepted_at=TUESDAY_NOON - timedelta(seconds=1),
        now=TUESDAY_NOON,
    )


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        ({"duration": 1500}, 0.5),
        ({"duration": 1}, 0),
        ({"until": "2029-12-31"}, 0),
        ({"until": "2030-01-01T14:00:10+02:00"}, 10),
        (NINE_TO_FIVE, 0),
        ({"until": "12:01-13:00"}, 60),
        ({}, 0),
    ],
)
def test_until_when(delay: dict[str, Any], seconds: float) -> None:
    assert held(delay).until == TUESDAY_NOON + timedelta(seconds=seconds)


def test_without_a_delay() -> None:
    assert hold(None, entry={}, profile={}, accepted_at=TUESDAY_NOON, now=TUESDAY_NOON).until == TUESDAY_NOON


TOKYO, PARIS, LIMA, DELHI = "Asia/Tokyo", "Europe/Paris", "America/Lima", "Asia/Kolkata"
PROFILE = {"zoneinfo": LIMA, "timezone": DELHI}


@pytest.mark.parametrize(
    ("timezone", "to", "profile", "zone"),
    [
        (TOKYO, {"timezone": PARIS}, PROFILE, TOKYO),
        (None, {"timezone": PARIS, "zoneinfo": TOKYO}, PROFILE, PARIS),
        (None, {"zoneinfo": PARIS}, PROFILE, PARIS),
        (None, {}, PROFILE, LIMA),
        (None, {}, {"timezone": DELHI}, DELHI),
        (None, {}, {}, "UTC"),
        (None, {"timezone": "UTC+4"}, PROFILE, "UTC+4"),
        (None, {"timezone": None, "zoneinfo": None}, PROFILE, LIMA),
    ],
)
def test_whose_zone_it_is(
    timezone: str | None, to: dict[str, Any], profile: dict[str, Any], zone: str
) -> None:
    found = held({**NINE_TO_FIVE, "timezone": timezone}, to=to, profile=profile)
    assert (found.zone, found.warnings) == (zone, ())


def test_an_unknown_zone_of_a_recipient_is_passed_over_with_a_warning() -> None:
    found = held(NINE_TO_FIVE, to={"timezone": "Mars"}, profile={"zoneinfo": TOKYO})
    assert (found.zone, found.until) == (TOKYO, datetime(2030, 1, 2, 0, tzinfo=UTC))
    assert found.warnings == ("Time zone 'Mars' is not known; the next one applies.",)


def test_when_no_zone_is_known_it_is_utc() -> None:
    found = held(NINE_TO_FIVE, to={"timezone": "Mars"}, profile={"zoneinfo": 7})
    assert found.zone == "UTC"
    assert len(found.warnings) == 2


def test_a_window_that_does_not_open_for_this_recipient() -> None:
    # Ninety days from noon is noon of April 1: by then it has opened in Tokyo, and in Lima it has not.
    delay = {"until": "Apr 1: 08:00-09:00"}
    check(Delay.model_validate(delay), TUESDAY_NOON)
    assert held(delay, to={"timezone": TOKYO}).until == datetime(2030, 3, 31, 23, tzinfo=UTC)
    found = held(delay, to={"timezone": LIMA})
    assert found.until is None
    assert found.error == (
        "The delivery window 'Apr 1: 08:00-09:00' does not open within 90 days (time zone America/Lima)"
    )


@pytest.mark.parametrize(
    "delay",
    [
        {"until": "Jun-Aug: 09:00-17:00"},
        {"until": "Feb 29"},
        {"until": "Apr 1: 08:00-09:00", "timezone": LIMA},
    ],
)
def test_a_window_that_opens_for_nobody_is_refused(delay: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest, match=r"^message\.delay\.until: .* does not open within 90 days$"):
        check(Delay.model_validate(delay), TUESDAY_NOON)


@pytest.mark.parametrize("delay", [None, {"duration": 5}, NINE_TO_FIVE, {"until": "Apr 1: 08:00-09:00"}])
def test_what_opens_for_somebody_is_accepted(delay: dict[str, Any] | None) -> None:
    check(Delay.model_validate(delay) if delay else None, TUESDAY_NOON)
