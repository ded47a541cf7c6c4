"""A producer's own SQLAlchemy session or connection: what to write on, what to do once it has committed."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.orm import Session, scoped_session

Target = Session | scoped_session[Any] | Connection
Act = Callable[[], None]

_WAITING = "notify.after_commit"


def connection_of(target: Target) -> Connection:
    """The connection whose transaction is the caller's.

    Raises:
        TypeError: it is neither a session nor a connection, or an asynchronous one.
        ValueError: the connection commits each statement by itself.
    """
    if hasattr(target, "run_sync"):
        raise TypeError(
            "With an AsyncSession or AsyncConnection: await session.run_sync(enqueue, message, ...)"
        )
    if isinstance(target, scoped_session):
        target = target()
    if not isinstance(target, Session | Connection):
        raise TypeError(f"Give a SQLAlchemy Session or Connection, not {type(target).__name__}")
    connection = target.connection() if isinstance(target, Session) else target
    if getattr(connection.connection.dbapi_connection, "autocommit", False):
        raise ValueError("The connection is in autocommit mode: there is no transaction to be part of")
    return connection


def after_commit(target: Target, act: Act, just_before: Act) -> None:
    """Call ``act`` once the transaction has committed; nothing is called if it is rolled back.

    A bare connection tells only of the moment before: then ``just_before`` is called instead.
    """
    if isinstance(target, scoped_session):
        target = target()
    if isinstance(target, Session):
        _after_session(target, act)
    else:
        event.listen(target, "commit", lambda _: just_before(), once=True)


def _after_session(session: Session, act: Act) -> None:
    if _WAITING not in session.info:
        session.info[_WAITING] = []
        event.listen(session, "after_commit", _committed)
        event.listen(session, "after_transaction_end", _ended)
    session.info[_WAITING].append(act)


def _committed(session: Session) -> None:
    if session.in_nested_transaction():  # a savepoint was released: nothing holds yet
        return
    acts, session.info[_WAITING] = session.info[_WAITING], []
    for act in acts:
        act()


def _ended(session: Session, transaction: Any) -> None:
    if transaction.parent is None:
        session.info[_WAITING] = []
