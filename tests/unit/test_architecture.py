"""The code base against its own rules: what is added in one place is known in all the others."""

import ast
import asyncio
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import BaseRoute

from notify import providers, queue, settings
from notify.api.app import create_app
from notify.model.status import ALLOWED_FROM, EventType, Status
from notify.model.work import Stage
from notify.providers.registry import REGISTRY
from notify.settings import Settings
from notify.store import db

ROOT = Path(__file__).parents[2]
SIGNED = {"/receipts/{provider_id}", "/t/o/{token}", "/t/c/{token}", "/e/{token}"} | {
    *(f"/preferences/{page}/{{token}}" for page in ("page", "preview", "unsubscribe")),
    "/inbound/webhook/{token}",
}
"""What providers and mail readers call: a signature is their key, or the key stands in the URL."""
OPEN = {"/health/live", "/health/ready", "/openapi.json", "/docs", "/docs/oauth2-redirect", "/redoc"} | SIGNED


@pytest.fixture
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings that lead nowhere."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("NOTIFY_ENCRYPTION_KEY", "c2VjcmV0" * 5 + "c2U=")
    settings.load.cache_clear()
    yield
    settings.load.cache_clear()
    db.reset()


# --- stages and tasks ----------------------------------------------------------------------------


@pytest.mark.parametrize("stage", Stage)
def test_a_stage_has_one_name_everywhere(stage: Stage) -> None:
    assert callable(importlib.import_module(f"notify.pipeline.{stage}").run)
    assert (ROOT / "workers" / f"{stage}.py").exists()
    assert (ROOT / "tests" / "integration" / f"test_{stage}.py").exists()


@pytest.fixture
def tasks(configured: None) -> set[str]:
    """The names the workers bind to code."""
    app = importlib.import_module("workers.app").app
    app.loader.import_default_modules()
    return set(app.tasks)


def test_every_place_has_a_task(tasks: set[str]) -> None:
    assert {queue.task_of(place) for place in queue.places()} <= tasks


def test_every_periodic_task_exists_and_goes_to_a_queue_that_is_served(tasks: set[str]) -> None:
    conf = queue.celery.conf
    queues = {each.name for each in conf.task_queues}
    for entry in conf.beat_schedule.values():
        assert entry["task"] in tasks
        assert entry["options"]["queue"] in queues
        assert entry["options"]["expires"] > 0


# --- the API -------------------------------------------------------------------------------------


def _routes(routes: Iterable[BaseRoute]) -> Iterator[tuple[str, str]]:
    """Every path with each of its methods, those of included routers too."""
    for route in routes:
        if included := getattr(route, "original_router", None):
            yield from _routes(included.routes)
        else:
            known: Any = route
            yield from ((known.path, method) for method in known.methods or ())


async def _asked_without_a_key(app: FastAPI, calls: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Any]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://notify") as client:
        answers = [
            (call, await client.request(call[1], re.sub(r"\{.*?\}", "x", call[0]), json={})) for call in calls
        ]
        return {call: (answer.status_code, answer.json()["type"]) for call, answer in answers}


def test_every_route_but_health_needs_a_key(configured: None) -> None:
    app = create_app()
    closed = [call for call in _routes(app.routes) if call[0] not in OPEN]
    assert len(closed) > 20
    refused = (401, "authentication_error")
    assert asyncio.run(_asked_without_a_key(app, closed)) == dict.fromkeys(closed, refused)


def test_openapi_names_the_key_of_every_route_that_needs_one(configured: None) -> None:
    for path, methods in create_app().openapi()["paths"].items():
        for method, operation in methods.items():
            assert bool(operation.get("security")) != (path in OPEN), (method, path)


# --- providers -----------------------------------------------------------------------------------


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        yield importlib.import_module(found.name)


def test_every_provider_is_registered() -> None:
    written = {
        member
        for module in _modules(providers)
        for _, member in inspect.getmembers(module, inspect.isclass)
        if member.__module__ == module.__name__ and isinstance(member.__dict__.get("key"), str)
    }
    assert written == {type(provider) for provider in REGISTRY.values()}
    assert len(written) == len(REGISTRY)


@pytest.mark.parametrize("key", sorted(REGISTRY))
def test_a_provider_is_described_and_its_name_stays_in_its_own_file(key: str) -> None:
    provider = REGISTRY[key]
    assert provider.name
    assert provider.description.endswith(".")
    assert provider.channels
    if key in {"sandbox", "webhook"}:  # one is built in, the other a channel as well
        return
    own = Path(inspect.getfile(type(provider)))
    elsewhere = [
        path.relative_to(ROOT)
        for path in (*(ROOT / "notify").rglob("*.py"), *(ROOT / "workers").glob("*.py"))
        if path != own and path.name != "registry.py" and "local" not in path.parts
        if re.search(rf"[\"']{key}[\"']", path.read_text())
    ]
    assert [path for path in elsewhere if str(path) not in _SPOKEN_OF.get(key, ())] == []


_SPOKEN_OF = {
    # Also a form of recipient, and a key of the profile.
    "slack": (
        "notify/model/wire_to.py",
        "notify/model/wire_forms.py",
        "notify/providers/sandbox.py",
        "notify/routing/verdict.py",
    ),
    # An example in OpenAPI.
    "smtp": ("notify/api/examples.py", "notify/api/providers.py"),
}


# --- settings ------------------------------------------------------------------------------------


def test_every_setting_is_documented() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    documented = re.findall(r"^\| `(NOTIFY_\w+)` \|", text, re.MULTILINE)
    assert sorted(documented) == sorted(f"NOTIFY_{name.upper()}" for name in Settings.model_fields)


def test_every_setting_is_read_through_settings() -> None:
    readers = [
        path.relative_to(ROOT)
        for path in (*(ROOT / "notify").rglob("*.py"), *(ROOT / "workers").glob("*.py"))
        if re.search(r"os\.environ|getenv", path.read_text()) and "local" not in path.parts
    ]
    assert [str(path) for path in readers if "cli" not in path.parts] == []


# --- time ----------------------------------------------------------------------------------------


def _takes_time_before_it_asks(function: ast.FunctionDef) -> bool:
    """Whether it looks at the clock before its own transaction begins."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    looks = [call.lineno for call in calls if ast.unparse(call.func) == "clock.now"]
    begins = [call.lineno for call in calls if ast.unparse(call.func) == "db.begin"]
    return bool(looks and begins) and min(looks) < min(begins)


def test_what_a_stage_stores_has_the_databases_time() -> None:
    """In a new process it is known once its first transaction has begun."""
    early = [
        f"{path.name}: {node.name}"
        for path in (ROOT / "notify" / "pipeline").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef) and _takes_time_before_it_asks(node)
    ]
    assert early == []


# --- statuses ------------------------------------------------------------------------------------


def test_every_status_says_where_it_comes_from() -> None:
    assert set(ALLOWED_FROM) == set(Status)


def test_nothing_moves_back() -> None:
    forward = (Status.ENQUEUED, Status.ROUTED, Status.SENT, Status.DELIVERED, Status.OPENED, Status.CLICKED)
    for index, status in enumerate(forward):
        assert not ALLOWED_FROM[status] & set(forward[index:])
    assert all(status not in ALLOWED_FROM[status] for status in Status)


def test_every_end_has_a_line_in_the_log() -> None:
    ends = {Status.UNMAPPED, Status.UNROUTABLE, Status.UNDELIVERABLE, Status.FILTERED, Status.CANCELED}
    assert {str(status) for status in ends} <= {str(type_) for type_ in EventType}
