"""How far a move has come, in one SQLite file: a million users fit, and a killed process loses nothing."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

from notify.errors import InvalidRequest

_TABLES = """
CREATE TABLE IF NOT EXISTS fact (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS item (
  kind TEXT, id TEXT, digest BLOB NOT NULL, round INTEGER NOT NULL, target TEXT, PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS remark (
  kind TEXT, id TEXT, refused INTEGER NOT NULL, reason TEXT, PRIMARY KEY (kind, id, reason)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS person (id TEXT PRIMARY KEY, round INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS membership (
  user_id TEXT, tenant_id TEXT, PRIMARY KEY (user_id, tenant_id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS locale (name TEXT PRIMARY KEY) WITHOUT ROWID;
"""


class Remark(NamedTuple):
    """``refused``: not carried at all; else something of it was not, or is to be done by hand."""

    kind: str
    id: str
    refused: bool
    reason: str


class State:
    """What is here already, by kind and id, and who the users are.

    A *round* is one way through the source, over as many calls as it takes.
    """

    def __init__(self, path: Path | None, name: str) -> None:
        """``path``: None keeps nothing. ``name``: of the source and of the world that is moved into.

        Raises:
            InvalidRequest: the file is of another source or world, or none of ours.
        """
        if path:
            path.touch(mode=0o600)
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None)
        try:
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(_TABLES)
            kept = self._fact("name", name)
            self.round = int(self._fact("round", "1"))
        except (sqlite3.DatabaseError, ValueError):
            raise InvalidRequest(f"{path} is not the state of a move; give another with --state") from None
        if kept != name:
            raise InvalidRequest(f"{path} belongs to another move ({kept}); give another with --state")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def _fact(self, name: str, default: str) -> str:
        self._db.execute("INSERT OR IGNORE INTO fact VALUES (?, ?)", (name, default))
        return str(self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()[0])

    def finish(self) -> None:
        """All has been seen: the next call begins a new round, and writes what has changed."""
        self._db.execute("UPDATE fact SET value = ? WHERE name = 'round'", (str(self.round + 1),))

    def is_same(self, kind: str, id_: str, digest: bytes) -> bool:
        """It is here as the source has it."""
        found = self._db.execute("SELECT digest FROM item WHERE kind = ? AND id = ?", (kind, id_)).fetchone()
        return found is not None and found[0] == digest

    def settle(self, kind: str, id_: str, digest: bytes, target: str | None = None) -> None:
        """It is here; ``target``: under this id, if not under its own."""
        self._db.execute(
            "INSERT INTO item VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET digest = excluded.digest,"
            " round = excluded.round, target = coalesce(excluded.target, target)",
            (kind, id_, digest, self.round, target),
        )

    def target(self, kind: str, id_: str) -> str:
        """The id under which it is here."""
        found = self._db.execute("SELECT target FROM item WHERE kind = ? AND id = ?", (kind, id_)).fetchone()
        return str(found[0]) if found and found[0] else id_

    def remark(self, kind: str, id_: str, reasons: Iterable[str], *, refused: bool) -> None:
        """Say what was not carried of it, in the place of what was said before."""
        self._db.execute("DELETE FROM remark WHERE kind = ? AND id = ?", (kind, id_))
        rows = [(kind, id_, refused, reason) for reason in reasons]
        self._db.executemany("INSERT OR IGNORE INTO remark VALUES (?, ?, ?, ?)", rows)

    def remarks(self) -> Iterator[Remark]:
        """All that was said, by kind and id."""
        for kind, id_, refused, reason in self._db.execute("SELECT * FROM remark ORDER BY kind, id, reason"):
            yield Remark(kind, id_, bool(refused), reason)

    def meet(self, user_ids: Iterable[str], tenant_id: str | None = None) -> None:
        """There are these users; in this tenant."""
        rows = [(one,) for one in user_ids]
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR IGNORE INTO person (id) VALUES (?)", rows)
        if tenant_id is not None:
            joined = [(user_id, tenant_id) for (user_id,) in rows]
            self._db.executemany("INSERT OR IGNORE INTO membership VALUES (?, ?)", joined)
        self._db.execute("COMMIT")

    def count_people(self) -> int:
        """The users whose own data was not settled in this round."""
        query = "SELECT count(*) FROM person WHERE round < ?"
        return int(self._db.execute(query, (self.round,)).fetchone()[0])

    def people(self) -> Iterator[str]:
        """Those users, by id; what is settled meanwhile does not matter."""
        last = ""
        query = "SELECT id FROM person WHERE id > ? AND round < ? ORDER BY id LIMIT 1000"
        while rows := self._db.execute(query, (last, self.round)).fetchall():
            yield from (id_ for (id_,) in rows)
            last = rows[-1][0]

    def settle_person(self, user_id: str) -> None:
        """All of the user is here."""
        self._db.execute("UPDATE person SET round = ? WHERE id = ?", (self.round, user_id))

    def tenants_of(self, user_id: str) -> list[str]:
        """The tenants the user is known to be in."""
        query = "SELECT tenant_id FROM membership WHERE user_id = ? ORDER BY tenant_id"
        return [id_ for (id_,) in self._db.execute(query, (user_id,))]

    def hear(self, locales: Iterable[str]) -> None:
        """These locales are spoken somewhere."""
        self._db.executemany("INSERT OR IGNORE INTO locale VALUES (?)", [(one,) for one in locales])

    def locales(self) -> list[str]:
        """All that were heard of."""
        return [name for (name,) in self._db.execute("SELECT name FROM locale ORDER BY name")]
