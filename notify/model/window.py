"""Delivery windows: opening hours as text in, the rules they consist of out; or why they cannot be read.

The language is the part of OpenStreetMap's ``opening_hours`` that ``docs/time.md`` shows. What the rules mean
at an instant is ``routing.windows``'s to say.
"""

import re
from calendar import monthrange
from dataclasses import dataclass

MAX_LENGTH = 500
EXAMPLE = "opening hours such as Mo-Fr 09:00-17:00"

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LEAP_YEAR = 2028

_MONTH = f"(?:{'|'.join(_MONTHS)})"
_DAY = "(?:Mo|Tu|We|Th|Fr|Sa|Su)"
_DATE = rf"{_MONTH}(?: \d\d?)?"
_DATES = rf"{_DATE}(?:-(?:{_DATE}|\d\d?))?"
_DAYS = rf"{_DAY}(?:-{_DAY})?"
_TIMES = r"(?:[01]\d|2[0-3]):[0-5]\d-(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)"

_RULE = re.compile(
    rf"(?=.)(?:(?P<dates>{_DATES}(?:,{_DATES})*)(?: ?: ?| |$))?"
    rf"(?:(?P<days>{_DAYS}(?:,{_DAYS})*)(?: |$))?"
    rf"(?P<times>{_TIMES}(?:,{_TIMES})*)?",
    re.IGNORECASE,
)
_TIGHT = re.compile(r" *([-,;]) *")
_BETWEEN_RULES = re.compile(r";|(?<=:\d\d),(?=[a-z])", re.IGNORECASE)
_EXCEPTION = re.compile(r"\b(?:off|closed|unknown|PH|SH)\b", re.IGNORECASE)
_MOMENT = re.compile(r"\b(\d\d:\d\d)-\1\b")
_DAY_OF_MONTH = re.compile(rf"({_MONTH}) (\d\d?)(?:-(\d\d?))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Window:
    """``rules``: each in the library's own spelling; the window is open while any of them is."""

    text: str
    rules: tuple[str, ...]

    def __str__(self) -> str:
        return self.text


def looks_like_window(text: str) -> bool:
    """Whether ``text`` was meant to be opening hours and not a timestamp."""
    return bool(re.search(rf"\b(?:{_DAY}|{_MONTH}|PH|SH|off)\b|\d:\d\d *-|24/7", text))


def parse(text: str) -> Window:
    """The rules of ``text``.

    Raises:
        ValueError: it is not in the grammar; the text says which rule and why.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"Opening hours may have at most {MAX_LENGTH} characters")
    tight = _TIGHT.sub(r"\1", " ".join(text.split()))
    return Window(text=text, rules=tuple(_rule(part) for part in _BETWEEN_RULES.split(tight.rstrip(";"))))


def _rule(text: str) -> str:
    if _EXCEPTION.search(text):
        raise ValueError(f"Exceptions and holidays are not supported: {text!r}")
    found = _RULE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} cannot be read; give {EXAMPLE}")
    dates, days, times = found["dates"] or "", found["days"] or "", found["times"] or ""
    for month, *numbers in _DAY_OF_MONTH.findall(dates):
        _check_days(month, [int(number) for number in numbers if number])
    # As an end, the last minute of a day is the day's end: nobody means to leave it out.
    times = _MOMENT.sub(_minute, times).replace("-23:59", "-24:00")
    return " ".join(part for part in (dates, days, times) if part)


def _check_days(month: str, days: list[int]) -> None:
    number = _MONTHS.index(month.title()) + 1
    for day in days:
        if not 1 <= day <= monthrange(_LEAP_YEAR, number)[1]:
            raise ValueError(f"{month} has no day {day}")


def _minute(span: re.Match[str]) -> str:
    """``11:00-11:00`` is the minute of 11:00, where the library would read a whole day."""
    hour, minute = map(int, span[1].split(":"))
    following = hour * 60 + minute + 1
    return f"{span[1]}-{following // 60:02}:{following % 60:02}"
