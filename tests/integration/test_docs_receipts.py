"""The example of ``docs/receipts.md`` runs, with real workers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from notify.manage import keys
from notify.model.names import World
from tests.stack import StartWorker

PAGE = Path(__file__).parents[2] / "docs" / "receipts.md"


@pytest.mark.usefixtures("configured")
def test_the_example_runs(base_url: str, start_worker: StartWorker, tmp_path: Path) -> None:
    start_worker("render", "route", "deliver.email", "receipts")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    example = tmp_path / "example.py"
    example.write_text(code)
    environment = {"NOTIFY_URL": base_url, "NOTIFY_API_KEY": keys.create(World.TEST, "docs")}
    done = subprocess.run(
        [sys.executable, example],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.split("\n")
    assert lines[:3] == ["204", "401", "BOUNCED"]
    assert lines[3].startswith("a***@example.com is suppressed: it bounced on ")
