"""``docs/limits.md`` names every bound, with the value it has."""

import ast
import importlib
import re
from collections.abc import Iterator

import pytest

from notify.settings import Settings
from tests.stack import ROOT

ROWS = dict(
    re.findall(r"^\| `([\w.]+)` \| ([^|]+?) \|", (ROOT / "docs" / "limits.md").read_text(), re.MULTILINE)
)
ELSEWHERE = {
    "settings.values.MAX_BODY_BYTES": "NOTIFY_MAX_BODY_BYTES",
    "manage.send_limits.MAX": "JSON's integers",
}


def _bounds() -> Iterator[str]:
    """Public constants called ``MAX...`` that modules define."""
    for file in sorted((ROOT / "notify").rglob("*.py")):
        module = ".".join(file.relative_to(ROOT / "notify").with_suffix("").parts)
        for node in ast.parse(file.read_text()).body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            yield from (
                f"{module}.{target.id}"
                for target in targets
                if isinstance(target, ast.Name) and re.fullmatch(r"MAX(_[A-Z_]+)?", target.id)
            )


@pytest.mark.parametrize("name", ROWS)
def test_a_bound_has_the_value_that_is_written(name: str) -> None:
    if name.startswith("NOTIFY_"):
        value = Settings.model_fields[name.removeprefix("NOTIFY_").lower()].default
    else:
        module, _, constant = name.rpartition(".")
        value = getattr(importlib.import_module(f"notify.{module}"), constant)
    assert ROWS[name] == str(value)


def test_every_bound_is_written_down() -> None:
    assert [name for name in _bounds() if name not in {*ROWS, *ELSEWHERE}] == []
