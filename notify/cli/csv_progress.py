"""How far the sending of a CSV file has come, kept in a file beside it: the next call goes on from there.

What was sent is known to the API, by idempotency keys; this saves asking it again, and tells when the file is
no longer the one that was sent.
"""

import json
import os
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from notify import clock
from notify.cli.csv_file import CsvError

KEPT = timedelta(days=90)
"""How long the API knows what was sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """``sending``: what is sent under which name; ``digest``: of the file; ``reading``: how it is read.

    ``settled``: the rows from the first that have their answer. ``report_bytes``: how long the report was.
    """

    sending: str
    digest: str
    reading: str
    began_at: str
    settled: int = 0
    accepted: int = 0
    refused: int = 0
    report_bytes: int = 0
    finished: bool = False

    def is_over(self) -> bool:
        """All of it was sent."""
        return self.finished and not self.refused


def begin(path: Path | None, fresh: Progress) -> Progress:
    """Where to go on, by what is kept at ``path``: ``fresh`` when there is nothing to go on from.

    Raises:
        CsvError: another file of this name was sent, or this one so long ago that nobody knows what of it.
    """
    kept = _load(path) if path else None
    if kept is None or kept.sending != fresh.sending or not kept.accepted:
        return fresh
    if kept.digest != fresh.digest:
        raise CsvError(
            f"it has changed since {kept.accepted} of its rows were sent. Send just the rows that are new, "
            "or name this as another sending: --idempotency-key NAME"
        )
    if clock.now() - datetime.fromisoformat(kept.began_at) > KEPT - timedelta(days=1) and not kept.is_over():
        raise CsvError(
            f"it was begun on {kept.began_at[:10]}, and what of it was sent is no longer known. "
            "Name this as another sending: --idempotency-key NAME"
        )
    if kept.is_over() or (not kept.finished and kept.reading == fresh.reading):
        return kept
    # Refused rows get another try, the others their first answer.
    return replace(fresh, began_at=kept.began_at)


def _load(path: Path) -> Progress | None:
    try:
        return Progress(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        raise CsvError(
            f"{path} cannot be read: delete it to begin anew; rows that were sent are not sent twice"
        ) from None


def save(path: Path | None, progress: Progress) -> None:
    """Keep it; a process killed meanwhile leaves the old one."""
    if path is None:
        return
    draft = path.with_name(f"{path.name}.new")
    draft.write_text(json.dumps(asdict(progress), indent=2) + "\n")
    os.replace(draft, path)
