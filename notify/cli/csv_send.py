"""``notify send --csv``: a message for each row of a file, many at once, answers in the order of the file."""

import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from notify import clock
from notify.cli import csv_progress
from notify.cli.csv_columns import RowError, columns
from notify.cli.csv_file import CsvError, CsvFile, Row, look_through, readable
from notify.cli.csv_progress import Progress
from notify.cli.csv_report import Report
from notify.cli.failure import USAGE, fail
from notify.cli.target import Json, Target
from notify.errors import NotifyError
from notify.producers.http import Accepted, Refused, Sends

ROWS_REFUSED = 3
"""The exit code when all was tried and some of it refused."""
_PATIENCE_S = 60.0
_SAVE_EVERY_S = 1.0
Answer = Accepted | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """``message``: what all rows have in common. ``name``: of this sending, to send a file once more."""

    path: Path
    message: Json
    mapping: dict[str, str]
    encoding: str | None
    delimiter: str | None
    report: Path | None
    concurrency: int
    name: str
    dry_run: bool


def run(api: Target, options: Options) -> None:
    """Send, show how it goes, and say how it went."""
    with readable(options.path) as path:
        try:
            source = look_through(path, encoding=options.encoding, delimiter=options.delimiter)
            sending = _Sending(api, options, source)
        except (CsvError, OSError) as error:
            fail(f"notify: {options.path}: {error}", USAGE)
        sending.run()


class _Sending:
    """One call's way through a file."""

    def __init__(self, api: Target, options: Options, source: CsvFile) -> None:
        self._api = api
        self._options = options
        self._source = source
        self._read = columns(source.header, options.mapping)
        beside = Path("stdin.csv") if str(options.path) == "-" else options.path
        kind = "would-refuse" if options.dry_run else "refused"
        self._report_path = options.report or beside.with_name(f"{beside.name}.{kind}.csv")
        kept = not options.dry_run and str(options.path) != "-"
        self._kept = beside.with_name(f"{beside.name}.progress.json") if kept else None
        what = options.message.get("template") or options.message.get("content")
        self._name = _hash(what, options.name)
        self._progress = csv_progress.begin(
            self._kept,
            Progress(
                # Of a key, its kind: a rehearsal is not the sending itself.
                sending=_hash(self._name, api.url, api.key[:7]),
                digest=source.digest,
                reading=_hash(options.mapping, source.encoding, source.delimiter),
                began_at=clock.now().isoformat(),
            ),
        )
        self._saved_at = 0.0

    def run(self) -> None:
        if self._progress.is_over():
            print(f"All {self._progress.accepted} rows have been sent already.")
            return
        try:
            asyncio.run(self._send_all())
        except (NotifyError, KeyboardInterrupt) as error:
            fail(f"notify: {str(error) or 'stopped'}\n{self._summary()} The same command goes on from there.")
        print(self._summary())
        if self._progress.refused:
            raise typer.Exit(ROWS_REFUSED)

    async def _send_all(self) -> None:
        options = self._options
        bar = Bar(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=Console(file=sys.stderr), disable=not sys.stderr.isatty(),
        )  # fmt: skip
        async with Sends(
            self._api.url, self._api.key, connections=options.concurrency, patience_s=_PATIENCE_S,
            kept=csv_progress.KEPT,
        ) as sends:  # fmt: skip
            with Report(self._report_path, self._source, self._progress.report_bytes) as report, bar:
                shown = bar.add_task("sending", total=self._source.count, completed=self._progress.settled)
                try:
                    async for row, answer in self._answers(sends):
                        self._settle(report, row, answer)
                        bar.update(shown, completed=row.number)
                    self._progress = replace(self._progress, finished=True)
                finally:
                    self._save(report)

    async def _answers(self, sends: Sends) -> AsyncIterator[tuple[Row, Answer]]:
        """Every row that is left with its answer, in order; a bounded number of them is under way."""
        rows = islice(self._source.rows(), self._progress.settled, None)
        under_way: deque[tuple[Row, asyncio.Task[Answer]]] = deque()
        try:
            for row in rows:
                under_way.append((row, asyncio.create_task(self._send(sends, row))))
                if len(under_way) >= self._options.concurrency * 4:
                    first, task = under_way[0]
                    yield first, await task
                    under_way.popleft()
            while under_way:
                first, task = under_way[0]
                yield first, await task
                under_way.popleft()
        finally:
            for _, task in under_way:
                task.cancel()
            await asyncio.gather(*(task for _, task in under_way), return_exceptions=True)

    async def _send(self, sends: Sends, row: Row) -> Answer:
        try:
            own = self._read(row.cells)
        except RowError as error:
            return Refused(str(error))
        common = self._options.message
        message = {**common, **own}
        if "data" in common and "data" in own:
            message["data"] = {**common["data"], **own["data"]}
        return await sends(message, self._key(row), dry_run=self._options.dry_run)

    def _key(self, row: Row) -> str:
        return _hash(self._name, self._source.digest, row.number)

    def _settle(self, report: Report, row: Row, answer: Answer) -> None:
        before = self._progress
        if isinstance(answer, Refused):
            report.add(row, answer.reason)
            self._progress = replace(before, settled=row.number, refused=before.refused + 1)
        else:
            self._progress = replace(before, settled=row.number, accepted=before.accepted + 1)
        if time.monotonic() - self._saved_at > _SAVE_EVERY_S:
            self._save(report)

    def _save(self, report: Report) -> None:
        self._saved_at = time.monotonic()
        self._progress = replace(self._progress, report_bytes=report.flushed_bytes())
        csv_progress.save(self._kept, self._progress)

    def _summary(self) -> str:
        done, total = self._progress, self._source.count
        verb = "would be accepted" if self._options.dry_run else "accepted"
        where = f" ({self._report_path} says why)" if done.refused else ""
        return f"{done.settled} of {total} rows: {done.accepted} {verb}, {done.refused} refused{where}."


def _hash(*parts: Any) -> str:
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
