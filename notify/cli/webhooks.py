"""``notify webhooks``: who is told of what happens, what each was told, and sending it again."""

from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from notify.cli.failure import FAILED, fail
from notify.cli.target import DataDir, InWorld, Json, Key, Target, Url, target
from notify.local import instance
from notify.local.timeline import clock_time
from notify.model.hook import HookState
from notify.model.names import World

app = typer.Typer(help="Outbound webhooks: tell your own systems of every change.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="Its id, as `notify webhooks list` shows it.")]


@app.command()
def add(
    destination: Annotated[str, typer.Argument(metavar="URL", help="Where to POST to.")],
    title: Annotated[str, typer.Option(help="What it is for.")] = "",
    event: Annotated[list[str] | None, typer.Option(help="Only these events; may be repeated.")] = None,
    secret: Annotated[str | None, typer.Option(help="The secret to sign with; default: a new one.")] = None,
    unsigned: Annotated[bool, typer.Option("--unsigned", help="Without any secret.")] = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """Add a destination and print its id and secret; the secret cannot be shown again."""
    body: Json = {"url": destination, "title": title, "events": event or []}
    if secret or unsigned:
        body["secret"] = secret
    made = target(url, key, data_dir, world).post("webhooks", body)
    print(made["id"])
    if "secret" in made:
        print(f"secret: {made['secret']}")


@app.command("list")
def list_(
    url: Url = None, key: Key = None, data_dir: DataDir = instance.DEFAULT_DIR, world: InWorld = World.TEST
) -> None:
    """List destinations, and whether they work."""
    table = _table("id", "title", "url", "events", "status", "failing since", "why paused")
    for one in _all(target(url, key, data_dir, world), 1000, "webhooks"):
        failing = clock_time(one["failingSince"]) if "failingSince" in one else ""
        events = ", ".join(one["events"]) or "all"
        reason = one.get("pauseReason", "")
        table.add_row(one["id"], one["title"], one["url"], events, one["status"], failing, reason)
    Console(highlight=False).print(table)


@app.command()
def pause(
    webhook_id: Id,
    reason: Annotated[str | None, typer.Option(help="Why, for whoever looks at it.")] = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """Hold back what a destination is to be told."""
    _post(target(url, key, data_dir, world), webhook_id, "pause", {"reason": reason})
    print("Paused.")


@app.command()
def resume(
    webhook_id: Id,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """Tell a destination of what happens from now on; `replay` sends what was held back."""
    _post(target(url, key, data_dir, world), webhook_id, "resume", {})
    print("Resumed.")


@app.command()
def rotate(
    webhook_id: Id,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """Print a new secret; for a day the old one signs as well, by Standard Webhooks."""
    print(_post(target(url, key, data_dir, world), webhook_id, "rotate-secret", {})["secret"])


@app.command()
def remove(
    webhook_id: Id,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """Remove a destination."""
    target(url, key, data_dir, world).delete("webhooks", webhook_id)
    print("Removed.")


@app.command()
def deliveries(
    webhook_id: Id,
    state: Annotated[HookState | None, typer.Option(help="Only in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 50,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """List what a destination was told, newest first."""
    table = _table("id", "at", "event", "message", "state", "tries", "answer", "error")
    filters = {"state": str(state)} if state else {}
    for one in _all(
        target(url, key, data_dir, world), limit, "webhooks", webhook_id, "deliveries", **filters
    ):
        event = f"{one['type']} {one.get('status', '')}".strip()
        answer, error = str(one.get("answerStatus", "")), one.get("error", "")
        about = (one["id"], clock_time(one["at"]), event, one.get("messageId", ""))
        table.add_row(*about, one["state"], str(one["tries"]), answer, error)
    Console(highlight=False).print(table)


@app.command()
def replay(
    webhook_id: Id,
    delivery: Annotated[str | None, typer.Option(help="Only this delivery.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only what came about since then, UTC.")] = None,
    state: Annotated[
        list[HookState] | None, typer.Option(help="Only these states; default: failed and held.")
    ] = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """Send again what failed or was held back, byte by byte."""
    body: Json = {"deliveryId": delivery} if delivery else {"states": [*(state or ("failed", "held"))]}
    if since and not delivery:
        body["since"] = int(since.replace(tzinfo=UTC).timestamp() * 1000)
    api, count = target(url, key, data_dir, world), 0
    while True:
        answer = _post(api, webhook_id, "replay", body)
        count += answer["replayed"]
        if "cursor" not in answer:
            break
        body["cursor"] = answer["cursor"]
    print(f"{count} sent again.")


@app.command("test")
def try_(
    webhook_id: Id,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """Send a test event now, and say what came of it."""
    sent = _post(target(url, key, data_dir, world), webhook_id, "test", {})
    (attempt,) = sent["attempts"]
    if sent["state"] != HookState.DELIVERED:
        fail(f"notify: failed after {attempt['durationMs']} ms: {sent['error']}", FAILED)
    print(f"Delivered: HTTP {attempt['status']} after {attempt['durationMs']} ms.")


def _post(api: Target, webhook_id: str, action: str, body: Json) -> Json:
    return api.post(f"webhooks/{quote(webhook_id, safe='')}/{action}", body)


def _table(*names: str) -> Table:
    table = Table(box=None, header_style="dim")
    for name in names:
        table.add_column(name, no_wrap=name == "id", overflow="fold")
    return table


def _all(api: Target, limit: int, *path: str, **filters: Any) -> list[Json]:
    found: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.get(*path, **filters, **cursor)
        found += page["results"]
        if len(found) >= limit or not page["paging"]["more"]:
            return found[:limit]
        cursor = {"cursor": page["paging"]["cursor"]}
