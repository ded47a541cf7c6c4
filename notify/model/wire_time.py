"""Times of a request: ``delay`` and ``expiry``; timestamps become aware UTC datetimes, hours their rules."""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator

from notify import clock
from notify.model import window, zones
from notify.model.window import Window
from notify.model.wire_base import YEAR_MS, Ms, WireModel, problem, read_by

_DURATION = re.compile(
    r"P(?=\d|T\d)(?:\d+(?:[.,]\d+)?Y)?(?:\d+(?:[.,]\d+)?M)?(?:\d+(?:[.,]\d+)?W)?(?:\d+(?:[.,]\d+)?D)?"
    r"(?:T(?=\d)(?:\d+(?:[.,]\d+)?H)?(?:\d+(?:[.,]\d+)?M)?(?:\d+(?:[.,]\d+)?S)?)?"
)
_EXAMPLE = "an ISO 8601 timestamp such as 2030-01-31T09:30:00Z"


def timestamp(text: str) -> datetime:
    """A date alone is its midnight; without a zone it is UTC.

    Raises:
        ValueError: it is not ISO 8601, or lies outside the years 1 to 9999 in UTC.
    """
    at = datetime.fromisoformat(text.strip())
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("out of range") from error


def _instant(value: Any) -> datetime:
    if isinstance(value, datetime):
        return timestamp(value.isoformat())
    if not isinstance(value, str):
        raise problem(f"Input should be {_EXAMPLE}")
    try:
        return timestamp(value)
    except ValueError:
        raise problem(f"Input should be {_EXAMPLE}") from None


def _until(value: Any) -> datetime | Window:
    if isinstance(value, Window):
        return value
    try:
        return _instant(value)
    except ValidationError:
        if not isinstance(value, str) or not window.looks_like_window(value):
            raise
    try:
        return window.parse(value)
    except ValueError as error:
        raise problem(str(error)) from None


def _within_a_year(until: datetime | Window) -> datetime | Window:
    # Read again later, from the store, the same instant is only nearer.
    if isinstance(until, datetime) and until - clock.now() > timedelta(milliseconds=YEAR_MS):
        raise problem("A delay may last at most a year")
    return until


def _known_zone(name: str) -> str:
    if zones.find(name) is None:
        raise problem(f"{name[:100]!r} is no time zone; give an IANA name such as Europe/Berlin, or UTC+4")
    return name


Until = Annotated[datetime | Window, read_by(_until, described_as=str), AfterValidator(_within_a_year)]


class Delay(WireModel):
    """Hold the message: for a duration, or until an instant, never both."""

    duration: Ms | None = Field(
        default=None, description="Milliseconds to wait; at most a year.", examples=[60_000]
    )
    until: Until | None = Field(
        default=None,
        description="ISO 8601 timestamp (a date alone is midnight UTC, a time without a zone is UTC), or "
        "opening hours in which to deliver, in the recipient's zone.",
        examples=["2030-01-31T09:30:00Z", "Mo-Fr 09:00-17:00"],
    )
    timezone: Annotated[str, AfterValidator(_known_zone)] | None = Field(
        default=None,
        description="Zone of the opening hours: an IANA name, or `UTC+4`. Beats the recipient's own.",
        examples=["Europe/Berlin"],
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "Delay":
        if self.duration is not None and self.until is not None:
            raise problem("Give 'duration' or 'until', not both")
        return self


def _expires_in(value: Any) -> int | str:
    if isinstance(value, str) and not value.strip().isdigit():
        if not _DURATION.fullmatch(value.strip()):
            raise problem("Input should be milliseconds or an ISO 8601 duration such as P1DT4H")
        return value.strip()
    return _NUMBER.validate_python(value)


def _expires_at(value: Any) -> datetime:
    try:
        number = _NUMBER.validate_python(value)
    except ValidationError:
        return _instant(value)
    return datetime.fromtimestamp(number / 1000 if number > _LARGEST_EPOCH_S else number, UTC)


# As milliseconds it is March 1973, as seconds the year 5138: no sender means the other one.
_LARGEST_EPOCH_S = 100_000_000_000
_NUMBER: TypeAdapter[int] = TypeAdapter(Annotated[int, Field(ge=0, le=_LARGEST_EPOCH_S * 1000)])


class Expiry(WireModel):
    """When an inbox message leaves the feed; other channels ignore it."""

    expires_in: Annotated[int | str, read_by(_expires_in, described_as=int | str)] | None = Field(
        default=None, description="Milliseconds, or an ISO 8601 duration.", examples=["P1DT4H"]
    )
    expires_at: Annotated[datetime, read_by(_expires_at, described_as=int | str)] | None = Field(
        default=None, description="Epoch or ISO 8601 timestamp; wins over `expires_in`."
    )

    @model_validator(mode="after")
    def _given(self) -> "Expiry":
        if self.expires_in is None and self.expires_at is None:
            raise problem("Give 'expires_in' or 'expires_at'")
        return self
