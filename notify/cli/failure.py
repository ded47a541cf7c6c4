"""What a command does when it cannot do as asked: say why on stderr, with an exit code, no traceback."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from notify.errors import NotifyError
from notify.local.instance import InstanceError
from notify.settings import SettingsError

FAILED, USAGE = 1, 2


def fail(text: str, code: int = FAILED) -> NoReturn:
    """Say why and stop."""
    print(text, file=sys.stderr)
    raise typer.Exit(code)


@contextmanager
def explained() -> Iterator[None]:
    """Turn the errors a user can mend into their text."""
    try:
        yield
    except SettingsError as error:
        fail(str(error), USAGE)
    except (NotifyError, InstanceError, OSError) as error:
        fail(f"notify: {error}")
