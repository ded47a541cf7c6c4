"""The official Node client against the API on a socket; ``node/drive.mjs`` says what it does."""

import json
import os
import shutil
import subprocess
import time
import warnings
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.integration.harness import Api, Pipeline

HERE = Path(__file__).with_name("node")
_LOCK = HERE / "package-lock.json"
_DEADLINE_S = 60


@pytest.fixture(scope="session")
def modules() -> Path:
    """Where the client is installed: a cache outside of the repository, of its own for each lock file."""
    if not shutil.which("node") or not shutil.which("npm"):
        warnings.warn("There is no node or npm here: the tests of the Node client are skipped.", stacklevel=1)
        pytest.skip("no node or no npm")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "notify-tests"
    there = cache / f"node-{sha256(_LOCK.read_bytes()).hexdigest()[:12]}"
    if not (there / "installed").exists():
        _install(there)
    return there


def _install(there: Path) -> None:
    there.mkdir(parents=True, exist_ok=True)
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(HERE / name, there)
    done = subprocess.run(["npm", "ci", "--ignore-scripts"], cwd=there, capture_output=True, text=True)
    if done.returncode:
        warnings.warn("npm cannot install: the tests of the Node client are skipped.", stacklevel=1)
        pytest.skip(f"npm ci: {done.stderr[-500:]}")
    (there / "installed").touch()


def _drive(modules: Path, api: Api, pipeline: Pipeline) -> dict[str, Any]:
    """Run the script while the pipeline works off what it sends; what the client saw, by resource."""
    script = shutil.copy(HERE / "drive.mjs", modules)
    environment = {**os.environ, "API_KEY": api.key, "BASE_URL": api.base_url, "NO_PROXY": "*"}
    running = subprocess.Popen(
        ["node", script], cwd=modules, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    deadline = time.monotonic() + _DEADLINE_S
    while True:
        pipeline.drain()
        try:
            out, err = running.communicate(timeout=0.05)
            break
        except subprocess.TimeoutExpired:
            if time.monotonic() > deadline:
                running.kill()
    assert running.returncode == 0, err.decode()
    seen: dict[str, Any] = json.loads(out)
    return seen


USER = "a/da & söhne"
PO = 'msgid "Hi"\nmsgstr "Hallo"\n'


def _error(name: str, status: int, type_: str, retry: str | None = None) -> dict[str, Any]:
    """What the client makes of an answer: an error of its own, and one call, so it has not tried again."""
    return {"name": name, "status": status, "type": type_, "calls": 1, "retry": retry}


def test_the_node_client_works_unmodified(modules: Path, sandbox: Api, pipeline: Pipeline) -> None:
    seen = _drive(modules, sandbox, pipeline)
    assert seen == {
        "profiles": {"email": "ada@example.com", "name": "Ada L."},
        "send": {"status": "SENT", "recipient": USER, "subject": "Hi Ada L."},
        "messages": [1, "ENQUEUED"],
        "requests": 0,
        "lists": ["Europe", 101],
        "audiences": [USER],
        "tenants": [USER],
        "tokens": ["t/1"],
        "preferences": [],
        "bulk": [2, 2],
        "notifications": [["draft", "published:v001"], 0],
        "routingStrategies": ["email"],
        "brands": ["Acme"],
        "translations": PO,
        "providers": ["********", ["smtp", "twilio"]],
        "auth": _error("PermissionDeniedError", 403, "authorization_error"),
        "inbound": "1",
        "auditEvents": "provider.deleted",
        "idempotency": 1,
        "errors": {
            "malformed": _error("BadRequestError", 400, "invalid_request_error"),
            "unauthenticated": _error("AuthenticationError", 401, "authentication_error"),
            "unknown": _error("NotFoundError", 404, "not_found"),
            "conflict": _error("ConflictError", 409, "conflict", "false"),
            "later": _error("NotFoundError", 404, "not_found"),
        },
    }
