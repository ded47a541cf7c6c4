"""Paging styles A and B, and query parameters that hold many values."""

import base64
import binascii
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Annotated, Literal, Protocol, TypeVar
from urllib.parse import unquote, urlencode

from fastapi import Path, Query, Request
from pydantic import AfterValidator, BaseModel, Field

from notify.api.storable import storable
from notify.errors import InvalidRequest

PAGE_SIZE = 100
T = TypeVar("T")

PathId = Annotated[str, Path(max_length=2048), AfterValidator(unquote), AfterValidator(storable)]
"""An id in a path: routed undecoded, decoded here, so that it may hold any character that can be stored."""

MAX_ID_BYTES = 1024


def _short(text: str) -> str:
    if len(text.encode()) > MAX_ID_BYTES:
        raise InvalidRequest(f"An id may have at most {MAX_ID_BYTES} bytes.")
    return text


KeyId = Annotated[PathId, AfterValidator(_short)]
"""Likewise, for ids that are keys together with others."""

Word = Annotated[str | None, Query(), AfterValidator(storable)]
"""A parameter that is looked for as it is."""

Many = Annotated[list[str] | None, Query(), AfterValidator(storable)]
"""A parameter with several values: repeated, or joined by commas, as the official clients do."""

Cursor = Annotated[str | None, Query(description="From the page before; opaque.")]


_Next = Annotated[str | None, Field(exclude_if=lambda value: value is None)]
"""Left out where there is no next page."""


class Paging(BaseModel):
    more: bool
    cursor: _Next = None


def split(values: Sequence[str] | None) -> tuple[str, ...]:
    """The values of a ``Many`` parameter."""
    return tuple(part for value in values or () for part in value.split(",") if part)


def page(rows: Sequence[object], last_id: str | None, query: object, limit: int = PAGE_SIZE) -> Paging:
    """Paging for ``rows``, fetched with a limit of ``limit`` + 1. ``last_id``: of the page's last row.

    ``query``: which list it is, and what it was asked for.
    """
    more = len(rows) > limit
    return Paging(more=more, cursor=encode(last_id, query) if more and last_id else None)


class Row(Protocol):
    @property
    def id(self) -> object: ...


R = TypeVar("R", bound=Row)


def page_by_id(rows: Sequence[R], query: object, limit: int = PAGE_SIZE) -> tuple[Paging, Sequence[R]]:
    """Likewise, for rows in the order of their ids; and those of them that are on the page."""
    shown = rows[:limit]
    return page(rows, str(shown[-1].id) if shown else None, query, limit), shown


def encode(last_id: str, query: object) -> str:
    """A cursor to what follows ``last_id`` in the list that answers ``query``."""
    text = f"{_mark(last_id, query)}:{last_id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _mark(last_id: str, query: object) -> str:
    return blake2b(repr((last_id, query)).encode(), digest_size=6).hexdigest()


def decode(cursor: str | None, query: object) -> str | None:
    """The id a cursor stands for.

    Raises:
        InvalidRequest: it is none of ours, is damaged, or belongs to another ``query``.
    """
    if not cursor:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        text = ""
    mark, _, last_id = text.partition(":")
    if not last_id or "\0" in text or mark != _mark(last_id, query):
        raise _foreign()
    return last_id


def decode_as(read: Callable[[str], T], cursor: str | None, query: object) -> T | None:
    """Likewise, where ids are no text; ``read`` raises ``ValueError`` for what is none."""
    last_id = decode(cursor, query)
    try:
        return None if last_id is None else read(last_id)
    except ValueError:
        raise _foreign() from None


def _foreign() -> InvalidRequest:
    return InvalidRequest("cursor: not a cursor of this list with these filters; begin without one")


# --- style B


Limit = Annotated[int, Query(ge=1, le=PAGE_SIZE, description="How many at most.")]
DEFAULT_LIMIT = 20


class Listed(BaseModel):
    """What every page of style B has beside its ``items``."""

    type: Literal["list"] = "list"
    has_more: bool
    url: str = Field(description="What was asked for, without its cursor.")
    next_url: _Next = Field(default=None, description="The next page, if there is one.")
    cursor: _Next = Field(default=None, description="Of the next page, if there is one.")


def listed(
    request: Request, rows: Sequence[object], limit: int, last_id: str | None, query: object
) -> Listed:
    """Paging for ``rows``, fetched with a limit of ``limit`` + 1; otherwise as ``page``."""
    asked = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    cursor = encode(last_id, query) if len(rows) > limit and last_id else None
    path = request.url.path
    return Listed(
        has_more=cursor is not None,
        url=_url(path, asked),
        next_url=_url(path, [*asked, ("cursor", cursor)]) if cursor else None,
        cursor=cursor,
    )


def _url(path: str, query: Sequence[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(query)}" if query else path
