"""What PostgreSQL cannot hold is refused at the door."""

from typing import Any

from notify.errors import InvalidRequest
from notify.model.wire import find_nul


def storable(value: Any) -> Any:
    """``value`` itself.

    Raises:
        InvalidRequest: some text in it has a NUL character or half a surrogate pair.
    """
    path = find_nul(value)
    if path is not None:
        place = ".".join(map(str, path)) or "value"
        raise InvalidRequest(f"{place}: may not contain NUL characters or half surrogate pairs")
    return value
