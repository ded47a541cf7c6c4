"""A database connection that breaks in the middle of a transaction."""

import pytest
from sqlalchemy import text

from notify.errors import Unavailable
from notify.store import bulk, db

_BREAK = text("SELECT pg_terminate_backend(pg_backend_pid())")


@pytest.mark.usefixtures("database")
def test_it_is_told_as_such_while_changes_are_gathered() -> None:
    """Whoever records an acceptance tries again for that, and for nothing else."""
    with pytest.raises(Unavailable), db.begin() as tx, bulk.together(tx):
        tx.execute(_BREAK)
