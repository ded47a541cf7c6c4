"""The report: a CSV file of the rows that were refused, with the reason; mended, it can be sent itself."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from notify.cli.csv_columns import REASON, ROW
from notify.cli.csv_file import CsvFile, Row


class Report:
    """Made when the first row is refused; what an earlier call wrote after ``keep`` bytes is written anew."""

    def __init__(self, path: Path, source: CsvFile, keep: int) -> None:
        self._path = path
        self._source = source
        self._file: BinaryIO | None = None
        if keep and path.exists():
            self._file = path.open("r+b")
            self._file.truncate(keep)
            self._file.seek(keep)
        else:
            path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def add(self, row: Row, reason: str) -> None:
        """Write down a refused row."""
        if self._file is None:
            self._file = self._path.open("wb")
            self._write([ROW, REASON, *_others(self._source.header, self._source.header)])
        self._write([str(row.number), reason, *_others(self._source.header, row.cells)])

    def _write(self, cells: Sequence[str]) -> None:
        line = io.StringIO()
        csv.writer(line, delimiter=self._source.delimiter).writerow(cells)
        assert self._file
        self._file.write(line.getvalue().encode("utf-8", "surrogateescape"))

    def flushed_bytes(self) -> int:
        """How long it is, once all of it is on disk."""
        if self._file is None:
            return 0
        self._file.flush()
        return self._file.tell()


def _others(header: Sequence[str], cells: Sequence[str]) -> list[str]:
    # Of a report that is sent again, the columns of its own are written anew.
    names = [*header, *[""] * (len(cells) - len(header))]
    return [cell for name, cell in zip(names, cells, strict=False) if name not in {ROW, REASON}]
