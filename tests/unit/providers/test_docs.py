"""The example of ``docs/adding-a-provider.md`` runs."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "adding-a-provider.md"


def test_the_example_runs(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    example = tmp_path / "ntfy.py"
    example.write_text(code)
    done = subprocess.run([sys.executable, example], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "Accepted(" in done.stdout
    assert "reference={'id': 'n1'}" in done.stdout
    assert "'topic': 'ada'" in done.stdout
