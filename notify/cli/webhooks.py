"""``notify webhooks``: who is told of what happens, what each was told, and sending it again."""

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import quote

import typer

from notify.cli.failure import FAILED, fail
from notify.cli.table import AsJson, Limit, items, show
from notify.cli.target import Json, Target, on_api
from notify.local.timeline import clock_time
from notify.model.hook import HookState

app = typer.Typer(help="Outbound webhooks: tell your own systems of every change.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="Its id, as `notify webhooks list` shows it.")]


@app.command()
@on_api
def add(
    api: Target,
    destination: Annotated[str, typer.Argument(metavar="URL", help="Where to POST to.")],
    title: Annotated[str, typer.Option(help="What it is for.")] = "",
    event: Annotated[list[str] | None, typer.Option(help="Only these events; may be repeated.")] = None,
    secret: Annotated[str | None, typer.Option(help="The secret to sign with; default: a new one.")] = None,
    unsigned: Annotated[bool, typer.Option("--unsigned", help="Without any secret.")] = False,
) -> None:
    """Add a destination and print its id and secret; the secret cannot be shown again."""
    body: Json = {"url": destination, "title": title, "events": event or []}
    if secret or unsigned:
        body["secret"] = secret
    made = api.post("webhooks", body)
    print(made["id"])
    if "secret" in made:
        print(f"secret: {made['secret']}")


@app.command("list")
@on_api
def list_(api: Target, as_json: AsJson = False) -> None:
    """List destinations, and whether they work."""
    columns = ("id", "title", "url", "events", "status", "failing since", "why paused")
    show(columns, items(api, "webhooks", limit=1000), _destination, as_json=as_json)


def _destination(one: Json) -> Json:
    failing = clock_time(one["failingSince"]) if "failingSince" in one else ""
    events = ", ".join(one["events"]) or "all"
    return {**one, "events": events, "failing since": failing, "why paused": one.get("pauseReason", "")}


@app.command()
@on_api
def pause(
    api: Target,
    webhook_id: Id,
    reason: Annotated[str | None, typer.Option(help="Why, for whoever looks at it.")] = None,
) -> None:
    """Hold back what a destination is to be told."""
    _post(api, webhook_id, "pause", {"reason": reason})
    print("Paused.")


@app.command()
@on_api
def resume(api: Target, webhook_id: Id) -> None:
    """Tell a destination of what happens from now on; `replay` sends what was held back."""
    _post(api, webhook_id, "resume", {})
    print("Resumed.")


@app.command()
@on_api
def rotate(api: Target, webhook_id: Id) -> None:
    """Print a new secret; for a day the old one signs as well, by Standard Webhooks."""
    print(_post(api, webhook_id, "rotate-secret", {})["secret"])


@app.command()
@on_api
def remove(api: Target, webhook_id: Id) -> None:
    """Remove a destination."""
    api.delete("webhooks", webhook_id)
    print("Removed.")


@app.command()
@on_api
def deliveries(
    api: Target,
    webhook_id: Id,
    state: Annotated[HookState | None, typer.Option(help="Only in this state.")] = None,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """List what a destination was told, newest first."""
    columns = ("id", "at", "event", "message", "state", "tries", "answer", "error")
    found = items(api, "webhooks", webhook_id, "deliveries", limit=limit, state=state)
    show(columns, found, _delivery, as_json=as_json)


def _delivery(one: Json) -> Json:
    event = f"{one['type']} {one.get('status', '')}".strip()
    about = {"at": clock_time(one["at"]), "event": event, "message": one.get("messageId")}
    return {**one, **about, "answer": one.get("answerStatus")}


@app.command()
@on_api
def replay(
    api: Target,
    webhook_id: Id,
    delivery: Annotated[str | None, typer.Option(help="Only this delivery.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Only what came about since then, UTC.")] = None,
    state: Annotated[
        list[HookState] | None, typer.Option(help="Only these states; default: failed and held.")
    ] = None,
) -> None:
    """Send again what failed or was held back, byte by byte."""
    body: Json = {"deliveryId": delivery} if delivery else {"states": [*(state or ("failed", "held"))]}
    if since and not delivery:
        body["since"] = int(since.replace(tzinfo=UTC).timestamp() * 1000)
    count = 0
    while True:
        answer = _post(api, webhook_id, "replay", body)
        count += answer["replayed"]
        if "cursor" not in answer:
            break
        body["cursor"] = answer["cursor"]
    print(f"{count} sent again.")


@app.command("test")
@on_api
def try_(api: Target, webhook_id: Id) -> None:
    """Send a test event now, and say what came of it."""
    sent = _post(api, webhook_id, "test", {})
    (attempt,) = sent["attempts"]
    if sent["state"] != HookState.DELIVERED:
        fail(f"notify: failed after {attempt['durationMs']} ms: {sent['error']}", FAILED)
    print(f"Delivered: HTTP {attempt['status']} after {attempt['durationMs']} ms.")


def _post(api: Target, webhook_id: str, action: str, body: Json) -> Json:
    return api.post(f"webhooks/{quote(webhook_id, safe='')}/{action}", body)
