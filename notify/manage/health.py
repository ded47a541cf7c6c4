"""What stands between this process and its work."""

from notify import queue
from notify.errors import Unavailable
from notify.store import db


def problems() -> list[str]:
    """What is wrong, for people; empty when all is well."""
    found = []
    try:
        with db.begin() as tx:
            if not db.is_current(tx):
                found.append("The database schema is not current: run 'notify migrate'.")
    except Unavailable as error:
        found.append(str(error))
    if not queue.reachable():
        found.append("The broker cannot be reached.")
    return found
