"""The API keeps to its own OpenAPI description, whatever is thrown at it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.harness import Api

EXAMPLES = 5
"""Random calls per operation, after the description's own examples and the edges of every field.

``NOTIFY_FUZZ_EXAMPLES`` and ``NOTIFY_FUZZ_SEED`` make a longer run, or another one.
"""

_NOT_FUZZED = "^/pauses(/|$)"
"""Pauses stop the very sends that are fuzzed: those that reach them answer 503, as they should.

They are fuzzed by themselves, where there is nothing to stop.
"""

_SENSELESS = (
    # What is well formed may still be refused: a template's content, a provider's settings, a cursor.
    "positive_data_acceptance",
    # Numbers are read leniently, booleans among them.
    "negative_data_rejection",
    # FastAPI's `Allow` names the methods of one route, and a path of ours has several.
    "allow_header_conformance",
)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", ["all but pauses", "pauses"])
def test_every_operation_answers_as_described(sandbox: Api, tmp_path: Path, part: str) -> None:
    program = Path(sys.executable).with_name("schemathesis")
    options = {
        "--exclude-path-regex" if part == "all but pauses" else "--include-path-regex": _NOT_FUZZED,
        "--header": f"Authorization: Bearer {sandbox.key}",
        "--phases": "examples,coverage,fuzzing,stateful",
        "--checks": "all",
        "--exclude-checks": ",".join(_SENSELESS),
        "--max-examples": os.environ.get("NOTIFY_FUZZ_EXAMPLES", str(EXAMPLES)),
        "--seed": os.environ.get("NOTIFY_FUZZ_SEED", "1"),
        "--suppress-health-check": "all",
        "--generation-database": "none",
        "--request-timeout": "30",
    }
    words = [word for option in options.items() for word in option]
    done = subprocess.run(
        [program, "run", f"{sandbox.base_url}/openapi.json", "--no-color", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert sandbox.get("/health/live").status_code == 200
