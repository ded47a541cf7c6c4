"""Migrations run while the version before serves: what would hold it up or break it needs a reason.

A statement that breaks a rule says ``-- online: WHY`` in its text: the table is small, say.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import pytest

from notify.store.migrations import versions

_FIRST_RELEASE = "0002"
"""What came up to here nobody has ever run under load."""

_RULES = {
    "locks writers out while it builds: CREATE INDEX CONCURRENTLY, outside a transaction": (
        r"CREATE (UNIQUE )?INDEX (?!CONCURRENTLY)"
    ),
    "rewrites the table, or reads all of it, under a lock": (
        r"ALTER COLUMN \w+ (SET DATA )?TYPE|SET NOT NULL|GENERATED ALWAYS|SET (UN)?LOGGED|SET TABLESPACE"
    ),
    "reads all rows under a lock: add it NOT VALID, validate it later": (
        r"ADD (CONSTRAINT \w+ )?(CHECK|FOREIGN KEY|UNIQUE|PRIMARY KEY)(?!.*NOT VALID)"
    ),
    "fails for what the old version inserts: give it a DEFAULT": (
        r"ADD COLUMN \w+ [^,]*NOT NULL(?![^,]*DEFAULT)"
    ),
    "rewrites the table: the default differs by row": (
        r"ADD COLUMN [^,]*DEFAULT[^,]*(random|clock_timestamp|gen_random_uuid|nextval)"
    ),
    "the old version still uses it: contract one release later": (
        r"\bDROP (TABLE|COLUMN|VIEW)|RENAME (TO|COLUMN)"
    ),
    "holds its locks for as long as there are rows: do it in passes, in a task": (
        r"^\s*(UPDATE|DELETE FROM|INSERT INTO) "
    ),
}
_NEW = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?(\w+)", re.IGNORECASE)
_ABOUT = re.compile(r"(?:\bON|TABLE|UPDATE|FROM|INTO) (?:ONLY )?(\w+)", re.IGNORECASE)


def _statements() -> Iterator[tuple[str, str]]:
    for found in pkgutil.iter_modules(versions.__path__):
        module = importlib.import_module(f"{versions.__name__}.{found.name}")
        if module.revision > _FIRST_RELEASE:
            yield from ((module.revision, statement) for statement in module._UP)


def broken(statement: str, new: set[str]) -> list[str]:
    """Which rules a statement breaks, given the tables that are new with it."""
    if "-- online:" in statement:
        return []
    about = _ABOUT.search(statement)
    if about and about[1] in new:
        return []
    return [
        why for why, pattern in _RULES.items() if re.search(pattern, statement, re.IGNORECASE | re.DOTALL)
    ]


def test_migrations_run_while_the_old_version_serves() -> None:
    statements = list(_statements())
    new = {name for _, statement in statements for name in _NEW.findall(statement)}
    found = [
        (revision, statement, why) for revision, statement in statements for why in broken(statement, new)
    ]
    assert found == []


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE INDEX a ON message (b)",
        "ALTER TABLE message ALTER COLUMN a TYPE bigint",
        "ALTER TABLE message ALTER a SET NOT NULL",
        "ALTER TABLE message ADD COLUMN a text NOT NULL",
        "ALTER TABLE message ADD COLUMN a uuid DEFAULT gen_random_uuid()",
        "ALTER TABLE message ADD CONSTRAINT a CHECK (b > 0)",
        "ALTER TABLE message DROP COLUMN a",
        "ALTER TABLE message RENAME COLUMN a TO b",
        "UPDATE message SET a = 1",
    ],
)
def test_what_holds_the_old_version_up_is_seen(statement: str) -> None:
    assert broken(statement, set())
    assert not broken(f"{statement} -- online: a reason", set())


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE message ADD COLUMN a text",
        "ALTER TABLE message ADD COLUMN a integer NOT NULL DEFAULT 0, ADD COLUMN b timestamptz",
        "CREATE INDEX CONCURRENTLY a ON message (b)",
        "ALTER TABLE message ADD CONSTRAINT a CHECK (b > 0) NOT VALID",
        "CREATE TABLE a (id uuid PRIMARY KEY)",
    ],
)
def test_what_is_harmless_passes(statement: str) -> None:
    assert broken(statement, set()) == []
