"""What Flower shows of a task's arguments: how many ids and which lane, whatever the sender has said."""

import importlib
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from notify import settings
from notify.local import procfile

ADDRESS = "ada@example.com"


@pytest.fixture(autouse=True)
def configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Settings that lead nowhere."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("NOTIFY_ENCRYPTION_KEY", "c2VjcmV0" * 5 + "c2U=")
    settings.load.cache_clear()
    yield
    settings.load.cache_clear()


@pytest.fixture
def shown() -> Any:
    """``shown(args, kwargs)``: as the worker's events tell them."""
    request = importlib.import_module("workers.shown").Request

    def show(args: Any, kwargs: Any) -> tuple[str, str]:
        one = SimpleNamespace(args=args, kwargs=kwargs)
        return request.argsrepr.fget(one), request.kwargsrepr.fget(one)

    return show


@pytest.mark.parametrize(
    ("args", "kwargs", "told"),
    [
        ([["a" * 32] * 25, "single"], {}, ("(25 told, single)", "{}")),
        ([[], "bulk"], {}, ("(0 told, bulk)", "{}")),
        ([], {}, ("()", "{}")),
        ([{"to": {"email": ADDRESS}}], {}, ("(hidden)", "{}")),
        ([], {"message": {"to": {"email": ADDRESS}}}, ("()", "(hidden)")),
        ([[ADDRESS], ADDRESS], {}, ("(hidden)", "{}")),
    ],
)
def test_arguments_show_as_numbers(shown: Any, args: Any, kwargs: Any, told: tuple[str, str]) -> None:
    assert shown(args, kwargs) == told
    assert ADDRESS not in str(shown(args, kwargs))


def test_every_task_shows_like_that() -> None:
    app = importlib.import_module("workers.app").app
    app.loader.import_default_modules()
    own = [task for name, task in app.tasks.items() if not name.startswith("celery.")]
    assert own
    for task in own:
        assert task.Request != "celery.worker.request:Request", task.name


def test_flower_asks_for_a_password_and_forgets_old_tasks() -> None:
    command = procfile.PATH.read_text().split("\nflower: ")[1].splitlines()[0]
    assert "NOTIFY_FLOWER_BASIC_AUTH:?" in command
    assert "--max_tasks=" in command
