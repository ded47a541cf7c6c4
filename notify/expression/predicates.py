"""The tests of ``{% if x is ... %}``, by Jinja's names: a value goes in, true or false comes out."""

from collections.abc import Callable, Mapping
from typing import Any

from notify.expression.operators import equal
from notify.expression.values import absent, is_number


def _whole(value: Any) -> bool:
    return is_number(value) and float(value).is_integer()


TESTS: Mapping[str, Callable[..., bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "defined": lambda value: not absent(value),
    "divisibleby": lambda value, by: _whole(value) and _whole(by) and by != 0 and value % by == 0,
    "eq": equal,
    "equalto": equal,
    "even": lambda value: _whole(value) and value % 2 == 0,
    "false": lambda value: value is False,
    "float": lambda value: isinstance(value, float),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "iterable": lambda value: isinstance(value, list | tuple | Mapping | str),
    "mapping": lambda value: isinstance(value, Mapping),
    "none": absent,
    "number": is_number,
    "odd": lambda value: _whole(value) and value % 2 == 1,
    "sequence": lambda value: isinstance(value, list | tuple | str),
    "string": lambda value: isinstance(value, str),
    "true": lambda value: value is True,
    "undefined": absent,
}
