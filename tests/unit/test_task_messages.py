"""Tasks between versions: an old worker reads what a new process publishes, and the other way round.

The rule: a stage's task is called with ids and lane, for good. What is new goes into the rows.
"""

import importlib
import inspect
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from notify import queue, settings
from notify.model.work import Wake
from notify.store import db

ID = "0190c5e2a7f87c3e9d1f2a3b4c5d6e7f"
RECORDED: dict[str, list[Any]] = {
    "expand": [[ID], "bulk"],
    "render": [[ID], "single"],
    "route": [[ID], "single"],
    "escalate": [[ID], "single"],
    "receipts": [[ID, ID], "single"],
    "deliver.email": [[ID], "single"],
    "deliver.sms": [[], "bulk"],
    "deliver.push": [[ID], "single"],
    "deliver.inbox": [[ID], "single"],
    "deliver.banner": [[ID], "single"],
    "deliver.direct_message": [[ID], "single"],
    "deliver.webhook": [[ID], "single"],
    "dispatch": [],
    "reconcile": [],
    "retention": [],
}
"""Names and arguments in a broker that version 0.1 has filled."""


@pytest.fixture(autouse=True)
def _configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("BROKER_URL", "redis://127.0.0.1:1/0")
    monkeypatch.setenv("NOTIFY_ENCRYPTION_KEY", "c2VjcmV0" * 5 + "c2U=")
    settings.load.cache_clear()
    yield
    settings.load.cache_clear()
    db.reset()


@pytest.mark.parametrize(("name", "arguments"), RECORDED.items(), ids=RECORDED.keys())
def test_what_an_older_version_published_is_understood(name: str, arguments: list[Any]) -> None:
    app = importlib.import_module("workers.app").app
    app.loader.import_default_modules()
    inspect.signature(app.tasks[name].run).bind(*arguments)


class Sent:
    """A Celery app that keeps what it is to send."""

    def __init__(self) -> None:
        self.tasks: list[tuple[str, Any, Any]] = []

    def send_task(self, name: str, args: Any = None, kwargs: Any = None, **_: Any) -> None:
        self.tasks.append((name, args, kwargs))


@pytest.mark.parametrize("place", list(queue.places()), ids=queue.queue_of)
def test_what_is_published_is_understood_by_older_versions(place: Any) -> None:
    sent = Sent()
    assert queue.publish((Wake(place=place, ids=(UUID(ID),)),), through=sent)  # type: ignore[arg-type]
    assert sent.tasks == [(queue.task_of(place), ([ID], str(place.lane)), None)]
