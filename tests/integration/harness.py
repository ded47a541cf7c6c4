"""What integration tests work with: the HTTP API, the pipeline in this process, the database and the time.

A test reads ``api.send(...); pipeline.drain(); assert api.message(id)["status"] == ...``.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
from psycopg.rows import dict_row

from notify import clock, ids, settings
from notify.model.names import Channel, Lane
from notify.model.work import Done, Handoff, Place, Stage, Wake
from notify.pipeline import (
    calling,
    claims,
    deliver,
    dispatch,
    escalate,
    expand,
    hook_calls,
    hook_lines,
    hooks,
    receipts,
    reconcile,
    render,
    route,
    shared,
)
from notify.store import cache, db, vault
from tests import factories
from tests.stack import Servers

_ENDLESS = 10_000


def forget() -> None:
    """Have this process read its settings anew, as a new one would."""
    if db.engine.cache_info().currsize:
        db.engine().dispose()
    if calling._transport.cache_info().currsize:
        calling._transport(os.getpid()).close()
    if hook_calls._transport.cache_info().currsize:
        hook_lines.lines().settle(15)
        hook_calls.transport().close()
    hook_calls._transport.cache_clear()
    shared.forget()
    for kept in (settings.load, settings.load_producer, db.engine, vault._fernet, calling._transport):
        kept.cache_clear()
    cache.clear()
    claims._keeper = None


class Api:
    """The HTTP API as one world's key sees it."""

    def __init__(self, base_url: str, key: str) -> None:
        self.base_url = base_url
        self.key = key
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"Bearer {key}"

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, f"{self.base_url}{path}", timeout=30, **options)

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **headers: str) -> requests.Response:
        """``idempotency_key="k"`` is the header ``idempotency-key``."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.call("POST", path, json=body, headers=named)

    def put(self, path: str, body: Any) -> requests.Response:
        return self.call("PUT", path, json=body)

    def patch(self, path: str, body: Any) -> requests.Response:
        return self.call("PATCH", path, json=body)

    def delete(self, path: str) -> requests.Response:
        return self.call("DELETE", path)

    # --- what most tests do

    def send(self, **fields: Any) -> str:
        """The request id of an accepted send, which is the message's id if ``to`` is no array."""
        return self.accepted(self.post("/send", {"message": factories.message(**fields)}))

    @staticmethod
    def accepted(answer: requests.Response) -> str:
        assert answer.status_code == 202, answer.text
        return str(answer.json()["requestId"])

    def configure(self, provider: str, settings: dict[str, Any] | None = None, **fields: Any) -> str:
        """The id of a new provider configuration."""
        answer = self.post("/providers", {"provider": provider, "settings": settings or {}, **fields})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def template(
        self, content: dict[str, Any] | None = None, *, state: str = "PUBLISHED", **fields: Any
    ) -> str:
        """The id of a new template."""
        body = {"notification": factories.template(content, **fields), "state": state}
        answer = self.post("/notifications", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def message(self, id_: str) -> dict[str, Any]:
        return _ok(self.get(f"/messages/{id_}"))

    def ending(self, id_: str) -> tuple[str, str | None]:
        """Status and reason of a message."""
        found = self.message(id_)
        return found["status"], found.get("reason")

    def messages(self, **filters: Any) -> list[dict[str, Any]]:
        """The first page of ``GET /messages``."""
        results: list[dict[str, Any]] = _ok(self.get("/messages", params=filters))["results"]
        return results

    def history(self, id_: str, type_: str | None = None) -> list[dict[str, Any]]:
        results: list[dict[str, Any]] = _ok(self.get(f"/messages/{id_}/history", params={"type": type_}))[
            "results"
        ]
        return results

    def happened(self, id_: str) -> list[str]:
        """The types of the message's history, in order."""
        return [entry["type"] for entry in self.history(id_)]

    def output(self, id_: str, channel: str) -> dict[str, Any]:
        """What the message said on a channel."""
        results = _ok(self.get(f"/messages/{id_}/output"))["results"]
        content: dict[str, Any] = next(r["content"] for r in results if r["channel"] == channel)
        return content


def _ok(answer: requests.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


class Database:
    """The test's database, seen past the store."""

    def __init__(self, servers: Servers, url: str) -> None:
        self.url = url
        self.name = urlsplit(url).path.lstrip("/")
        self._servers = servers
        self._connection = self.connect(autocommit=True)

    def connect(self, *, autocommit: bool = False) -> psycopg.Connection[dict[str, Any]]:
        """A connection of its own, for a second party."""
        return psycopg.connect(self.url, autocommit=autocommit, row_factory=dict_row)

    def __call__(self, statement: str, *parameters: Any) -> list[dict[str, Any]]:
        """Execute; the rows, if there are any."""
        if self._connection.closed:
            self._connection = self.connect(autocommit=True)
        cursor = self._connection.execute(statement.encode(), parameters or None)
        return cursor.fetchall() if cursor.description else []

    def count(self, table: str) -> int:
        return int(self.one(f"SELECT count(*) FROM {table}"))

    def go_away(self) -> None:
        """End every connection and take no new ones."""
        self._connection.close()
        self._servers.execute(f"ALTER DATABASE {self.name} WITH ALLOW_CONNECTIONS false")
        found = f"FROM pg_stat_activity WHERE datname = '{self.name}'"
        self._servers.execute(f"SELECT pg_terminate_backend(pid) {found}")

    def come_back(self) -> None:
        self._servers.execute(f"ALTER DATABASE {self.name} WITH ALLOW_CONNECTIONS true")

    @contextmanager
    def away(self) -> Iterator[None]:
        """The database is not to be reached inside the block."""
        self.go_away()
        try:
            yield
        finally:
            self.come_back()

    def one(self, statement: str, *parameters: Any) -> Any:
        """The only value of the only row."""
        (row,) = self(statement, *parameters)
        (value,) = row.values()
        return value

    def work(self) -> list[dict[str, Any]]:
        """All unfinished work, oldest first. ``held``: somebody has claimed it."""
        columns = "id, message_id, stage, lane, channel, due_at, attempt, lost, parked"
        return self(f"SELECT {columns}, lease_until > '-infinity' AS held FROM work ORDER BY id")

    def close(self) -> None:
        self._connection.close()


@dataclass(slots=True)
class Pipeline:
    """The stages, in this process. What they and the API would publish is caught, and run by ``drain``."""

    waiting: list[Wake] = field(default_factory=list)

    def publish(self, handoff: Handoff) -> bool:
        self.waiting.extend(handoff)
        return True

    def drain(self) -> int:
        """Run what has been published, and what follows from it, until only later work is left.

        Returns:
            How many rows were claimed on the way.
        """
        claimed = 0
        for _ in range(_ENDLESS):
            wake = next((wake for wake in self.waiting if wake.at is None or wake.at <= clock.now()), None)
            if wake is None:
                return claimed
            self.waiting.remove(wake)
            claimed += self.run(wake)
        raise AssertionError("the pipeline never comes to an end")

    def run(self, wake: Wake) -> int:
        """Run one wake-up's stage; what it hands on waits. Returns how many rows it claimed."""
        claimed = 0
        for done in _passes(wake.place, wake.ids):
            claimed += done.claimed
            self.publish(done.handoff)
        return claimed

    def step(self, stage: Stage, channel: Channel | None = None, lane: Lane = Lane.SINGLE) -> int:
        """One pass over whatever is ready at a place; returns how many rows it claimed."""
        return self.run(Wake(place=Place(stage=stage, lane=lane, channel=channel), ids=()))

    def lose_everything(self) -> None:
        """The broker comes back empty."""
        self.waiting.clear()

    def dispatch(self) -> Handoff:
        """One pass of the dispatcher."""
        return self._pass(dispatch.run())

    def reconcile(self) -> Handoff:
        """One pass of the reconciler."""
        return self._pass(reconcile.run())

    def _pass(self, done: Done) -> Handoff:
        self.publish(done.handoff)
        return done.handoff


_STAGES = {
    Stage.EXPAND: expand.run,
    Stage.RENDER: render.run,
    Stage.ROUTE: route.run,
    Stage.ESCALATE: escalate.run,
    Stage.RECEIPTS: receipts.run,
    Stage.HOOKS: hooks.run,
}


def _passes(place: Place, told: Sequence[Any]) -> Iterable[Done]:
    if place.channel:
        return deliver.run(told, place.lane, place.channel)
    return iter([_STAGES[place.stage](told, place.lane)])


class Time:
    """Moves this process's clock; work that is due by it then is due by the database's, too."""

    def __init__(self, database: Database, patch: pytest.MonkeyPatch) -> None:
        self._database = database
        self._ahead = timedelta()
        self._now = clock.now
        patch.setattr(clock, "now", self.now)

    def now(self) -> datetime:
        return self._now() + self._ahead

    def passes(self, *, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)
        now = self.now()
        self._database("UPDATE work SET due_at = now() WHERE due_at > now() AND due_at <= %s", now)
        self._database(
            "UPDATE work SET lease_until = now() WHERE lease_until > now() AND lease_until <= %s", now
        )


def row_ids(*wire_ids: str) -> list[Any]:
    """The UUIDs of message ids."""
    return [ids.from_wire(id_) for id_ in wire_ids]


def pages(api: Api, **filters: Any) -> Iterator[list[dict[str, Any]]]:
    """The pages of ``GET /messages``, each fetched when it is asked for."""
    cursor = None
    while True:
        page = _ok(api.get("/messages", params={**filters, "cursor": cursor}))
        yield page["results"]
        if not page["paging"]["more"]:
            return
        cursor = page["paging"]["cursor"]
