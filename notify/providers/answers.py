"""What HTTP answers mean where the vendor has nothing special to say, and how to read them.

In: an answer. Out: an outcome. The defaults are the error classes of the reference API; a vendor's own
code table stays in the vendor's file and comes in as ``blame``.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from notify.model.call import Answer, Blame, HttpAnswer, NoAnswer, Outcome, Permanent, Transient

MAX_RETRY_AFTER_S = 24 * 3600.0
MAX_REASON_CHARS = 300
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


def unanswered(answer: Answer) -> Outcome:
    """The outcome of anything but an HTTP answer: worth another try, unless the guard refused the address."""
    if not isinstance(answer, NoAnswer):
        return Permanent(reason=f"unexpected answer {type(answer).__name__}", blame=Blame.PROVIDER)
    if answer.forbidden:
        # The address came with the message, so another provider would be led to the same place.
        return Permanent(reason=answer.error, blame=Blame.RECIPIENT)
    return Transient(reason=answer.error)


def failed(answer: HttpAnswer, detail: str = "", blame: Blame | None = None) -> Outcome:
    """The outcome of an HTTP answer that is not an acceptance.

    ``detail``: the vendor's own words. ``blame``: what the vendor's code table says; without it the
    status decides. 408, 429 and 5xx are worth another try whatever the table says.
    """
    reason = f"HTTP {answer.status}: {clean(detail)}" if detail else f"HTTP {answer.status}"
    if is_transient(answer.status):
        return Transient(reason=reason, retry_after_s=retry_after_s(answer), busy=is_busy(answer))
    return Permanent(reason=reason, blame=blame or _blame(answer.status))


def is_transient(status: int) -> bool:
    return status in {408, 429} or status >= 500


def is_busy(answer: HttpAnswer) -> bool:
    """Whether the provider is up and asks for a slower pace."""
    return answer.status == 429


def _blame(status: int) -> Blame:
    return Blame.RECIPIENT if status in {400, 404, 422} else Blame.PROVIDER


def succeeded(answer: Answer) -> bool:
    return isinstance(answer, HttpAnswer) and 200 <= answer.status < 300


def retry_after_s(answer: HttpAnswer) -> float | None:
    """``Retry-After`` in seconds from the answer's own ``Date``, at most a day; None without a usable one.

    Both forms of RFC 9110 10.2.3, seconds and HTTP date, are read.
    """
    value = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(r"\d{1,9}(\.\d+)?", value, re.ASCII):
        return min(float(value), MAX_RETRY_AFTER_S)
    until, since = _http_date(value), _http_date(answer.headers.get("date", ""))
    if until is None or since is None:
        return None
    return min(max((until - since).total_seconds(), 0.0), MAX_RETRY_AFTER_S)


def _http_date(value: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def json_object(answer: HttpAnswer) -> Mapping[str, Any]:
    """The body as a JSON object; empty when it is anything else, as broken bodies are no reason to fail."""
    try:
        value = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def clean(text: object) -> str:
    """A vendor's words for the log: one line, printable, bounded."""
    return _UNPRINTABLE.sub(" ", str(text)).strip()[:MAX_REASON_CHARS]
