"""A CSV file of recipients: a path (or stdin) in, its header and rows out, streamed.

The whole file is looked through first, so that broken quoting, say, is found before anything is sent.
"""

import codecs
import csv
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    import _csv

_BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
_DELIMITERS = ",;\t|"
_HEADER_BYTES = 1024 * 1024


class CsvError(Exception):
    """The file cannot be used; the text says where and why."""


@dataclass(frozen=True, slots=True)
class Row:
    """``number``: 1 for the first after the header, blank lines not counted."""

    number: int
    cells: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvFile:
    """A file that was looked through. ``digest``: of its bytes."""

    path: Path
    digest: str
    encoding: str
    delimiter: str
    header: list[str]
    count: int

    def rows(self) -> Iterator[Row]:
        """Every row but the header, in order."""
        with _open(self.path, self.encoding) as file:
            cells = (cells for cells in _reader(file, self.delimiter) if any(map(str.strip, cells)))
            next(cells)
            yield from (Row(number, each) for number, each in enumerate(cells, start=1))


@contextmanager
def readable(path: Path) -> Iterator[Path]:
    """The path of a file that can be read twice: stdin (``-``) is kept on disk meanwhile."""
    if str(path) != "-":
        yield path
        return
    with tempfile.NamedTemporaryFile(prefix="notify-", suffix=".csv") as kept:
        shutil.copyfileobj(sys.stdin.buffer, kept)
        kept.flush()
        yield Path(kept.name)


def look_through(path: Path, *, encoding: str | None, delimiter: str | None) -> CsvFile:
    """Read the whole file once.

    Raises:
        CsvError: it is no CSV file in that encoding, or has no header.
        OSError: it cannot be read.
    """
    digest, start = _digest(path)
    found = encoding or next((name for bom, name in _BOMS.items() if start.startswith(bom)), "utf-8")
    separator = delimiter or _delimiter(start, found)
    header, count = _count(path, found, separator)
    names = [name.strip() for name in header]
    return CsvFile(path=path, digest=digest, encoding=found, delimiter=separator, header=names, count=count)


def _digest(path: Path) -> tuple[str, bytes]:
    with path.open("rb") as file:
        start = file.read(_HEADER_BYTES)
        file.seek(0)
        return hashlib.file_digest(file, "sha256").hexdigest(), start


def _delimiter(start: bytes, encoding: str) -> str:
    try:
        line = start.decode(encoding, "replace").partition("\n")[0]
    except LookupError as error:
        raise CsvError(str(error)) from None
    return max(_DELIMITERS, key=line.count)


def _count(path: Path, encoding: str, delimiter: str) -> tuple[list[str], int]:
    with _open(path, encoding) as file:
        reader = _reader(file, delimiter)
        try:
            lines = (cells for cells in reader if any(map(str.strip, cells)))
            header = next(lines, None)
            count = sum(1 for _ in lines)
        except csv.Error as error:
            raise CsvError(f"line {reader.line_num}: {error}") from None
        except UnicodeError as error:
            raise CsvError(f"it is not {encoding}: {error}; give --encoding") from None
    if header is None:
        raise CsvError("it is empty: the first line must name the columns")
    return header, count


@contextmanager
def _open(path: Path, encoding: str) -> Iterator[TextIO]:
    # Bytes that are no text become half surrogates, and a row that has them is refused alone.
    with path.open(encoding=encoding, errors="surrogateescape", newline="") as file:
        yield file


def _reader(file: TextIO, delimiter: str) -> "_csv.Reader":
    return csv.reader(file, delimiter=delimiter, strict=True)
