"""Carrying one thing over: what the source says in, a record here, or the reason why not, out."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypeVar

import orjson
from pydantic import ValidationError

from notify.errors import NotFound, NotifyError, Unauthenticated, Unavailable
from notify.model.names import World
from notify.model.storable import find_fault
from notify.model.work import Handoff
from notify.moving.source import Json, Source, Unreachable, plain
from notify.moving.state import State

T = TypeVar("T")
R = TypeVar("R")
MAX_ID = 512
_FATAL = (Unavailable, Unreachable, Unauthenticated)


@dataclass(slots=True)
class Count:
    """Of one kind. ``seen``: all there are at the source."""

    seen: int = 0
    carried: int = 0
    unchanged: int = 0
    refused: int = 0


@dataclass(slots=True, kw_only=True)
class Mover:
    """``told``: called with the kind, and how many more of it. ``dry_run``: read and check, write nothing."""

    source: Source
    state: State
    world: World
    wake: Callable[[Handoff], object]
    concurrency: int
    dry_run: bool
    told: Callable[[str, int], object]
    counts: dict[str, Count] = field(default_factory=dict)

    def carry(
        self,
        kind: str,
        id_: str,
        given: Any,
        parse: Callable[[], T],
        write: Callable[[T], Iterable[str] | None],
        weight: int = 1,
    ) -> bool:
        """Write what is ``given``, unless it is here just so; whether it is here now.

        Args:
            parse: makes of it what is written; what is wrong with it is said in the report.
            write: what it returns was left out, and is said in the report.
            weight: how many things it is.
        """
        count = self._seen(kind, weight)
        try:
            digest = _digest(given)
            if self.state.is_same(kind, id_, digest):
                count.unchanged += weight
                self.state.settle(kind, id_, digest)
                return True
            parsed = parse()
            left_out = () if self.dry_run else tuple(write(parsed) or ())
        except _FATAL:
            raise
        except (NotifyError, ValidationError) as error:
            self._refuse(kind, id_, reason(error), weight)
            return False
        count.carried += weight
        if not self.dry_run:
            self.state.settle(kind, id_, digest)
        self.state.remark(kind, id_, left_out, refused=False)
        return True

    def refuse(self, kind: str, id_: str, why: str) -> None:
        """It is there, and cannot be carried."""
        self._seen(kind, 1)
        self._refuse(kind, id_, why, 1)

    def _refuse(self, kind: str, id_: str, why: str, weight: int) -> None:
        self.counts[kind].refused += weight
        self.state.remark(kind, plain(id_), [why], refused=True)

    def _seen(self, kind: str, weight: int) -> Count:
        count = self.counts.setdefault(kind, Count())
        count.seen += weight
        self.told(kind, weight)
        return count

    def note(self, kind: str, id_: str, why: str) -> None:
        """Something is to be done by hand."""
        self.state.remark(kind, plain(id_), [why], refused=False)

    def rows(self, kind: str, *path: str, key: str = "id", **query: Any) -> Iterator[tuple[str, Json]]:
        """The things of a list with their ids; what has none, and a list that is not given, is reported."""
        for page in self.pages(kind, *path, **query):
            yield from self.named(kind, page, key)

    def pages(self, kind: str, *path: str, **query: Any) -> Iterator[list[Any]]:
        """The pages of a list; that it is not given is reported."""
        try:
            yield from self.source.pages(*path, **query)
        except _FATAL:
            raise
        except NotifyError as error:
            self.refuse(kind, "*", reason(error))

    def named(self, kind: str, rows: Iterable[Any], key: str = "id") -> Iterator[tuple[str, Json]]:
        """Those rows that are objects with an id, each with it; the others are reported."""
        for row in rows:
            id_ = row.get(key) if isinstance(row, dict) else None
            if isinstance(id_, str) and 0 < len(id_) <= MAX_ID and not find_fault(id_):
                yield id_, row
            else:
                self.refuse(kind, str(id_ or "?"), f"it has no {key} that can be kept")

    def ahead(self, read: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R | NotifyError]]:
        """Each item with what is read of it, in order; a bounded number is read at the same time."""
        waiting: deque[tuple[T, Future[R]]] = deque()
        pool = ThreadPoolExecutor(self.concurrency, thread_name_prefix="moving")
        try:
            for item in items:
                waiting.append((item, pool.submit(read, item)))
                if len(waiting) >= self.concurrency * 2:
                    first, future = waiting.popleft()
                    yield first, _answer(future)
            while waiting:
                first, future = waiting.popleft()
                yield first, _answer(future)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _answer(future: Future[Any]) -> Any:
    try:
        return future.result()
    except _FATAL:
        raise
    except NotifyError as error:
        return error


def found(read: Callable[[], T]) -> T | None:
    """What is read; None: the source has no such thing."""
    try:
        return read()
    except NotFound:
        return None


def reason(error: Exception) -> str:
    """Why something was refused, without what it holds."""
    if not isinstance(error, ValidationError):
        return plain(str(error))
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    return plain(f"{'.'.join(map(str, first['loc']))}: {first['msg']}".removeprefix(": "))


def _digest(given: Any) -> bytes:
    try:
        return sha256(orjson.dumps(given, option=orjson.OPT_SORT_KEYS)).digest()
    except TypeError as error:
        raise NotifyError(f"it cannot be kept: {error}") from None
