"""A topic's digest as the API takes it."""

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, model_validator

from notify.api.storable import storable
from notify.model.wire_base import Id

_COMPANIONS = {"weekly": "day_of_week", "custom_days": "days_of_week", "monthly": "day_of_month"}


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, LookupError, OSError):
        raise ValueError("not an IANA time zone") from None
    return name


Day = Annotated[
    Literal["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"],
    BeforeValidator(_lower),
]
Text = Annotated[Id, AfterValidator(storable)]


class Schedule(BaseModel):
    """Without ``schedule_id`` a new one; with it that one wholly."""

    schedule_id: Text | None = None
    frequency: Literal["instant", "daily", "weekdays", "weekly", "custom_days", "monthly"]
    time: Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$", examples=["08:30"])] | None = None
    timezone: (
        Annotated[str, Field(max_length=64, examples=["Europe/Berlin"]), AfterValidator(_zone)] | None
    ) = None
    day_of_week: Day | None = None
    days_of_week: Annotated[list[Day], Field(min_length=1, max_length=7)] | None = None
    day_of_month: Annotated[int, Field(ge=1, le=31)] | None = None
    is_default: bool | None = None
    disabled: bool | None = None

    @model_validator(mode="after")
    def _complete(self) -> "Schedule":
        wanted = [_COMPANIONS.get(self.frequency), None if self.frequency == "instant" else "time"]
        if missing := [name for name in wanted if name and getattr(self, name) is None]:
            raise ValueError(f"{missing[0]} is required with the frequency {self.frequency!r}")
        return self


class Category(BaseModel):
    category_key: Text
    limit: Annotated[int, Field(ge=1, le=100)] = 10
    retain: Annotated[Literal["FIRST", "LAST", "HIGHEST", "LOWEST", "NONE"], BeforeValidator(_upper)] = (
        "FIRST"
    )
    sort_key: Text | None = None

    @model_validator(mode="after")
    def _sorted(self) -> "Category":
        if self.retain in ("HIGHEST", "LOWEST") and not self.sort_key:
            raise ValueError(f"sort_key is required with retain {self.retain!r}")
        return self


class Digest(BaseModel):
    """When a topic's messages are collected, and which template tells of them."""

    template_id: Text
    schedules: Annotated[list[Schedule], Field(min_length=1, max_length=50)] | None = None
    categories: Annotated[list[Category], Field(max_length=50)] | None = None
    trigger_empty: bool | None = None
    audience_id: Text | None = None
