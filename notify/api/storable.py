"""What PostgreSQL or JSON cannot hold is refused at the door."""

from typing import TypeVar

from notify.errors import InvalidRequest
from notify.model.wire import find_fault

T = TypeVar("T")


def storable(value: T) -> T:
    """``value`` itself.

    Raises:
        InvalidRequest: something in it cannot be stored (NUL characters, infinities, endless nesting).
    """
    if fault := find_fault(value):
        raise InvalidRequest(f"{'.'.join(map(str, fault.path)) or 'value'}: {fault.message}")
    return value
