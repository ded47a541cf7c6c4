"""Preferences that come with a message: JSON as it was sent or stored in, what it says of a topic out.

Of a template's and a topic's, the template's is stronger, since it is nearer to the message.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from notify.model.preference import CLASSES, Choice, Consent, channels


def choices(
    given: Mapping[str, Any] | None, *, topic_id: str, templates: Sequence[str], now: datetime
) -> Iterator[Choice]:
    """What ``given`` (``categories`` by topic, ``notifications`` by template) says now, the weakest first.

    ``templates``: the names of the one template; the first that is named counts.
    """
    for kind, names in (("categories", (topic_id,)), ("notifications", templates)):
        by_name = (given or {}).get(kind)
        found = (by_name.get(name) for name in names) if isinstance(by_name, Mapping) else ()
        details = next((one for one in found if isinstance(one, Mapping)), None)
        if details is not None:
            yield _choice(details, now)


def details(choice: Choice) -> dict[str, Any]:
    """The other way round: what a choice says, as it would be sent along."""
    told: dict[str, Any] = {"status": choice.status}
    if choice.custom:
        told["channel_preferences"] = [{"channel": one} for one in CLASSES if one in choice.routing]
    if choice.until:
        told["rules"] = [{"until": choice.until.isoformat()}]
    return told


def _choice(details: Mapping[str, Any], now: datetime) -> Choice:
    wanted = details.get("channel_preferences")
    names = [str(one.get("channel")) for one in wanted or () if isinstance(one, Mapping)]
    return Choice(
        status=_status(details, now),
        custom=True if wanted else None,
        routing=channels(names),
    )


def _status(details: Mapping[str, Any], now: datetime) -> Consent | None:
    """An opt-out with rules is a snooze: it holds while one of them does."""
    try:
        status = Consent(details.get("status") or "")
    except ValueError:
        return None
    rules = details.get("rules")
    if status is Consent.OPTED_OUT and rules and not _holds(rules, now):
        return Consent.OPTED_IN
    return status


def _holds(rules: Sequence[Any], now: datetime) -> bool:
    return any(_holds_one(rule, now) for rule in rules if isinstance(rule, Mapping))


def _holds_one(rule: Mapping[str, Any], now: datetime) -> bool:
    """``start`` is inclusive, ``until`` exclusive; without a start it has begun already."""
    start, until = instant(rule.get("start")), instant(rule.get("until"))
    return until is not None and now < until and (start is None or start <= now)


def instant(value: object) -> datetime | None:
    """ISO 8601, a date being midnight and a time without a zone UTC; None for anything else."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)
