"""The API keeps to its own OpenAPI description, whatever is thrown at it."""

import subprocess
import sys
from pathlib import Path

from tests.integration.harness import Api

EXAMPLES = 15
"""Random calls per operation, after the description's own examples and the edges of every field."""

_SENSELESS = (
    # What is well formed may still be refused: a template's content, a provider's settings, a cursor.
    "positive_data_acceptance",
    # Numbers are read leniently, booleans among them.
    "negative_data_rejection",
    # FastAPI's `Allow` names the methods of one route, and a path of ours has several.
    "allow_header_conformance",
)


def test_every_operation_answers_as_described(sandbox: Api, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    key = f"Authorization: Bearer {sandbox.key}"
    options = {
        "--phases": "examples,coverage,fuzzing,stateful",
        "--checks": "all",
        "--exclude-checks": ",".join(_SENSELESS),
        "--max-examples": str(EXAMPLES),
        "--seed": "1",
        "--suppress-health-check": "all",
        "--generation-database": "none",
        "--request-timeout": "30",
    }
    words = [word for option in options.items() for word in option]
    done = subprocess.run(
        [program, "run", f"{sandbox.base_url}/openapi.json", "-H", key, "--no-color", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert sandbox.get("/health/live").status_code == 200
