"""``notify import courier`` from a server that answers nonsense: that is reported, the rest carried."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from notify.cli import app
from notify.cli.moving import SOME_REFUSED
from notify.moving import source as reading
from tests.integration.harness import Api

_SEEN: list[tuple[str, str | None]] = []


def _deep(levels: int) -> Any:
    value: Any = "x"
    for _ in range(levels):
        value = {"a": value}
    return value


_COLORS = {"primary": "#111111", "secondary": "#222222"}
_BLOCKS = {"id": "old", "name": "Old", "content": {"blocks": [], "channels": []}}
_ANSWERS: dict[str, Any] = {
    "/brands": {
        "results": [
            "x",
            {"id": 5},
            {"id": "nul\0"},
            {"id": "deep", "name": "Deep", "settings": _deep(300)},
            {"id": "blank", "name": "", "settings": {}},
            {"id": "good", "name": "[red]Good[/x]", "settings": {"colors": _COLORS}},
        ]
    },
    "/routing-strategies": b"<html>",
    "/preferences/sections": {"results": [{"id": "s", "name": "S", "topics": {"not": "a list"}}]},
    "/notifications": {"results": [{"id": "old"}, {"id": ".."}, {"id": "gone"}]},
    "/notifications/old": _BLOCKS,
    "/tenants": {
        "items": [
            {"id": "a", "name": "A", "parent_tenant_id": "b"},
            {"id": "b", "name": "B", "parent_tenant_id": "a"},
            {"id": "c", "name": "C", "parent_tenant_id": "d"},
            {"id": "d", "name": "D"},
        ],
        "has_more": False,
    },
    "/tenants/d/users": {"items": [{"user_id": "ok"}, {"user_id": "bad", "profile": "x"}, {}]},
    "/tenants/d/templates": {"items": None, "has_more": False},
    "/tenants/c/users": [],
    "/lists": {
        "items": [{"id": "l", "name": "L"}, {"id": "po*", "name": "P"}],
        "paging": {"more": True, "cursor": "1"},
    },
    "/audiences": {"items": [{"id": "x", "filter": {"operator": "NO", "path": "a", "value": "b"}}]},
    "/messages": b"[" * 100_000,
    "/profiles/ok": {"profile": "none"},
    "/users/ok/tokens": {"tokens": [{"token": "t", "provider_key": "expo"}, {"token": 5}, 7]},
    "/users/ok/preferences": {"items": [{"topic_id": "nowhere", "status": "OPTED_OUT"}, {"status": []}]},
}


class _Liar(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        path, _, _query = self.path.partition("?")
        first = (path, None) not in _SEEN
        _SEEN.append((path, None))
        body = _ANSWERS.get(path)
        if path == "/brands" and first:
            self._say(429, b"{}", ("Retry-After", "0"))
        elif path == "/preferences/logs":
            self._say(302, b"", ("Location", "/stolen"))
        elif path == "/providers":
            self._say(200, b'{"results": ["' + b"x" * 3000 + b'"]}')
        elif body is None:
            self._say(404, b'{"message": "\\u001b[2Jno"}')
        else:
            self._say(200, body if isinstance(body, bytes) else json.dumps(body).encode())

    def _say(self, status: int, body: bytes, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(body))), ("Set-Cookie", "a=b")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def liar() -> Iterator[str]:
    _SEEN.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Liar)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_nonsense_is_reported_and_the_rest_carried(
    liar: str, sandbox: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reading, "MAX_ANSWER_BYTES", 2500)
    monkeypatch.setitem(_ANSWERS, "/messages", b"[" * 2000)
    words = ["import", "courier", "--from", liar, "--report", "report.jsonl"]
    done = CliRunner().invoke(app, words, env={"COURIER_API_KEY": "pk_prod_x", "COLUMNS": "200"})
    assert done.exit_code == SOME_REFUSED, done.output
    assert isinstance(done.exception, SystemExit)
    remarks = [json.loads(line) for line in (tmp_path / "report.jsonl").read_text().splitlines()]
    refused = {
        (one["kind"], one["id"]): one["reason"] for one in remarks if one["outcome"] != "never carried"
    }
    for place in (
        ("brands", "5"), ("brands", "blank"), ("brands", "deep"), ("routing strategies", "*"),
        ("templates", "old"), ("templates", ".."), ("templates", "gone"), ("tenants", "a"), ("tenants", "b"),
        ("members", "c"), ("members", "d page 1: bad"), ("lists", "*"), ("lists", "po*"), ("audiences", "x"),
        ("messages", "*"), ("preferences", "*"), ("providers", "*"), ("profiles", "ok"), ("devices", "ok"),
        ("preferences", "ok"),
    ):  # fmt: skip
        assert place in refused, (place, refused)
    assert "do not end" in refused["lists", "*"]
    assert "larger than" in refused["providers", "*"]
    assert "\x1b" not in done.output + json.dumps(remarks, ensure_ascii=False)
    assert ("/stolen", None) not in _SEEN
    assert sandbox.get("/brands/good").json()["name"] == "[red]Good[/x]"
    assert [one["id"] for one in sandbox.get("/tenants").json()["items"]] == ["c", "d"]
    assert [one["user_id"] for one in sandbox.get("/tenants/d/users").json()["items"]] == ["ok"]
    assert [one["token"] for one in sandbox.get("/users/ok/tokens").json()["tokens"]] == ["t"]
    assert sandbox.get("/lists/l").ok
