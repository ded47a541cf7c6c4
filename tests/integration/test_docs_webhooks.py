"""The receivers of ``docs/webhooks.md`` take what is sent, and refuse what is forged."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from notify.local import process
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Pipeline

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=["standard", "courier"])
def test_a_receiver_runs(
    sandbox: Api, pipeline: Pipeline, configured: Configure, tmp_path: Path, example: str
) -> None:
    configured(allowed_networks="127.0.0.0/8")
    port = process.free_port()
    url = f"http://127.0.0.1:{port}/"
    made = sandbox.post("/webhooks", {"url": url}).json()
    (tmp_path / "receiver.py").write_text(example)
    said = tmp_path / "said"
    with said.open("wb") as out:
        receiver = subprocess.Popen(
            [sys.executable, "receiver.py"],
            cwd=tmp_path,
            env={**os.environ, "PORT": str(port), "SECRET": made["secret"]},
            stdout=out,
        )
    try:
        assert process.wait_until(lambda: _listens(url), 30)
        tried = sandbox.post(f"/webhooks/{made['id']}/test").json()
        assert (tried["state"], tried["attempts"][0]["status"]) == ("delivered", 204)
        sandbox.send()
        pipeline.drain()
    finally:
        receiver.kill()
        receiver.wait()
    lines = said.read_text().splitlines()
    assert lines[0].startswith("refused")
    assert lines[1] == "webhook:test None"
    # Calls may come in any order; what came first is in what they carry.
    assert sorted(lines[2:]) == [f"message:updated {status}" for status in ("ENQUEUED", "ROUTED", "SENT")]


def _listens(url: str) -> bool:
    """It refuses what is not signed, once it is there."""
    try:
        return requests.post(url, json={"type": "x", "data": {}}, timeout=5).status_code == 401
    except requests.ConnectionError:
        return False
