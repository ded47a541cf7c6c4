"""How a relay hands rows to Notify: rows in; for each of them "accepted", "later" or a refusal out."""

import asyncio
from collections.abc import Callable, Sequence
from enum import Enum
from hashlib import sha256

import orjson

from notify import log, queue, settings
from notify.errors import InvalidRequest, NotifyError, Unavailable
from notify.model.names import Mode, World
from notify.pipeline.accept import Receipt, Submission
from notify.pipeline.submission import KEPT, Sender, accept_each, submission
from notify.producers.http import Refused, Sends
from notify.store.outbox import Waiting

_log = log.get(__name__)
_CONNECTIONS = 16
_PATIENCE_S = 10.0


class Fate(Enum):
    ACCEPTED = "accepted"
    LATER = "later"


Verdict = Fate | str
"""A text is the reason of a refusal."""

Way = Callable[[Sequence[Waiting]], list[Verdict]]
"""Raises Unavailable when nothing can be handed over now, and another NotifyError when a person is needed."""

TOO_LARGE = "message: larger than the {} bytes of NOTIFY_MAX_BODY_BYTES"


def direct(rows: Sequence[Waiting]) -> list[Verdict]:
    """Into Notify's own database, by the settings of this process."""
    checked = [_checked(row) for row in rows]
    results, handoff = accept_each([one for one in checked if isinstance(one, Submission)])
    queue.publish(handoff)
    stored = iter(results)
    return [_verdict(next(stored)) if isinstance(one, Submission) else one for one in checked]


def _checked(row: Waiting) -> Submission | str:
    limit = settings.load().max_body_bytes
    if row.message is None:
        return TOO_LARGE.format(limit)
    try:
        sender = Sender(world=row.world, mode=row.mode, max_bytes=limit)
        return submission(orjson.loads(row.message), sender, row.key)
    except InvalidRequest as error:
        return str(error)
    except orjson.JSONDecodeError as error:  # what PostgreSQL takes for JSON, and others do not
        return f"message: {error}"


def _verdict(result: Receipt | Exception) -> Verdict:
    if isinstance(result, Receipt):
        return Fate.ACCEPTED
    _log.error("relay.failed", exc_info=result)
    return f"It could not be stored ({type(result).__name__}); the relay's log has the details."


def over_http(url: str, key: str) -> Way:
    """Through the API, with a key."""

    def send(rows: Sequence[Waiting]) -> list[Verdict]:
        return asyncio.run(_send_all(url, key, rows))

    return send


async def _send_all(url: str, key: str, rows: Sequence[Waiting]) -> list[Verdict]:
    async with Sends(url, key, connections=_CONNECTIONS, patience_s=_PATIENCE_S, kept=KEPT) as sends:
        answers = await asyncio.gather(*(_send(sends, row) for row in rows), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, Unavailable):
            raise answer
    if rows and all(isinstance(answer, Unavailable) for answer in answers):
        raise Unavailable(str(answers[0]))
    return [Fate.LATER if isinstance(answer, BaseException) else answer for answer in answers]


async def _send(sends: Sends, row: Waiting) -> Verdict:
    if row.message is None:
        return TOO_LARGE.format(settings.load_producer().max_body_bytes)
    answer = await sends(orjson.Fragment(row.message), _as_header(row.key))
    return answer.reason if isinstance(answer, Refused) else Fate.ACCEPTED


def _as_header(key: str) -> str:
    """The key itself, unless it holds what a header cannot."""
    fits = key.isascii() and key.isprintable() and key == key.strip()
    return key if fits else sha256(key.encode()).hexdigest()


_MODES = {"pk": Mode.PUBLISHED, "dk": Mode.DRAFT, "mk": Mode.MOCK}
_WORLDS = {"prod": World.PRODUCTION, "test": World.TEST}


def opened_by(key: str) -> tuple[World, Mode]:
    """The world and mode of the rows that may go out under an API key, by its beginning.

    Raises:
        NotifyError: it does not look like a key.
    """
    kind, _, rest = key.partition("_")
    world = rest.partition("_")[0]
    if kind not in _MODES or world not in _WORLDS:
        raise NotifyError("The key is none of Notify's: it begins with pk_prod_, pk_test_, dk_... or mk_...")
    return _WORLDS[world], _MODES[kind]
