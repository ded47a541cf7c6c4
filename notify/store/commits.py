"""Whether a commit waits for the disk. A process of which most need not wait makes that its sessions' rule.

``synchronous_commit`` counts at the commit, so either way one statement at most has to be sent along.
"""

from typing import Any

from sqlalchemy import Connection, Engine, event, text

_USUAL = "synchronous_commit"
_AT_ONCE = text("SET LOCAL synchronous_commit TO off")


def relax(engine: Engine) -> None:
    """Have the engine's sessions not wait, but where a transaction says so."""
    event.listen(engine, "connect", _relax)


def _relax(connection: Any, record: Any) -> None:
    with connection.cursor() as cursor:
        # Whatever the server's operator has set is what a durable commit waits for.
        record.info[_USUAL] = cursor.execute("SHOW synchronous_commit").fetchone()[0]
        cursor.execute("SET synchronous_commit TO off")
    connection.commit()


def settle(tx: Connection, *, durable: bool) -> None:
    """Say at a transaction's beginning whether its commit waits for the disk."""
    usual = tx.info.get(_USUAL)
    if usual is None and not durable:
        tx.execute(_AT_ONCE)
    elif usual is not None and durable:
        tx.execute(text(f"SET LOCAL synchronous_commit TO {usual}"))  # the server's own word
