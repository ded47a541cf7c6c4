"""How long a message is held: its ``delay``, its recipient and the time in; until when out.

Worked out once per recipient, so a send to many in local time spreads over their zones.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

from notify.errors import InvalidRequest
from notify.model import zones
from notify.model.window import Window
from notify.model.wire import Delay
from notify.routing.windows import LOOK_AHEAD, opens_at

_EARLIEST, _LATEST = timezone(timedelta(hours=-12)), timezone(timedelta(hours=14))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """``until`` is UTC and never in the past; None, with an ``error``, when the window does not open.

    ``zone``: the window's. ``warnings``: zone names that are not known, for the message's log.
    """

    until: datetime | None
    zone: str | None = None
    warnings: tuple[str, ...] = ()
    error: str | None = None


def hold(
    delay: Delay | None,
    *,
    entry: Mapping[str, Any],
    profile: Mapping[str, Any],
    accepted_at: datetime,
    now: datetime,
) -> Hold:
    """What ``delay`` means for one recipient. Durations are exact; a time in the past is now.

    Args:
        entry: the recipient as the request names it.
        profile: the merged one.
        accepted_at: when a duration begins.
    """
    if delay is None:
        return Hold(until=now)
    if isinstance(delay.until, Window):
        return _window(delay.until, _zone_names(delay, entry, profile), now)
    if delay.duration is not None:
        return Hold(until=max(now, accepted_at + timedelta(milliseconds=delay.duration)))
    return Hold(until=max(now, delay.until or now))


def _window(window: Window, names: Iterable[object], now: datetime) -> Hold:
    warnings: list[str] = []
    for name in names:
        if (zone := zones.find(name)) is not None:
            until = opens_at(window, zone, now)
            error = None if until else f"{_never(window)} (time zone {name})"
            return Hold(until=until, zone=str(name), warnings=tuple(warnings), error=error)
        warnings.append(f"Time zone {str(name)[:100]!r} is not known; the next one applies.")
    raise AssertionError("UTC is a zone")


def _zone_names(delay: Delay, entry: Mapping[str, Any], profile: Mapping[str, Any]) -> Iterator[object]:
    """Strongest first. The merged profile would hide that ``to.timezone`` beats a stored ``zoneinfo``."""
    names = (
        delay.timezone, entry.get("timezone"), entry.get("zoneinfo"), profile.get("zoneinfo"),
        profile.get("timezone"),
    )  # fmt: skip
    # What ``to`` gives is in the merged profile once more.
    yield from (name for i, name in enumerate(names) if name not in (None, "", *names[:i]))
    yield "UTC"


def check(delay: Delay | None, now: datetime) -> None:
    """Refuse a window that does not open in time, whatever the recipient's zone.

    Raises:
        InvalidRequest: it does not open within 90 days.
    """
    if delay is None or not isinstance(delay.until, Window):
        return
    own = zones.find(delay.timezone)
    candidates: tuple[tzinfo, ...] = (own,) if own else (_EARLIEST, _LATEST)
    if all(opens_at(delay.until, zone, now) is None for zone in candidates):
        raise InvalidRequest(f"message.delay.until: {_never(delay.until)}")


def _never(window: Window) -> str:
    return f"The delivery window {window.text!r} does not open within {LOOK_AHEAD.days} days"
