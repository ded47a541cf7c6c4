"""Time zones by name: an IANA name, or ``UTC+4``, ``UTC-5``, ``UTC+05:30``."""

import re
import zoneinfo
from collections.abc import Mapping
from datetime import timedelta, timezone, tzinfo
from functools import lru_cache

_FIXED = re.compile(r"UTC([+-])(\d\d?)(?::?([0-5]\d))?", re.IGNORECASE)
_FARTHEST_H = 14


def find(name: object) -> tzinfo | None:
    """The zone of that name, whatever its case; None when there is none."""
    return _find(name.strip().casefold()) if isinstance(name, str) else None


@lru_cache(maxsize=1024)
def _find(name: str) -> tzinfo | None:
    if fixed := _FIXED.fullmatch(name):
        return _fixed(*fixed.groups("0"))
    key = _names().get(name)
    return zoneinfo.ZoneInfo(key) if key else None


def _fixed(sign: str, hours: str, minutes: str) -> tzinfo | None:
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    if ahead > timedelta(hours=_FARTHEST_H):
        return None
    return timezone(-ahead if sign == "-" else ahead)


@lru_cache(maxsize=1)
def _names() -> Mapping[str, str]:
    # "localtime" is a different zone on each machine.
    return {name.casefold(): name for name in zoneinfo.available_timezones() - {"localtime"}}
