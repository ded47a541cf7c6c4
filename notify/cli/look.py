"""``notify messages``, ``message`` and ``outbox``: what was sent, what became of it, what it said."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from notify.cli.target import DataDir, InWorld, Json, Key, Target, Url, target
from notify.local import instance
from notify.local.timeline import clock_time, status, timeline
from notify.model.names import World

Many = Annotated[list[str] | None, typer.Option()]
Limit = Annotated[int, typer.Option(min=1, help="How many at most.")]


def messages(
    status_: Annotated[list[str] | None, typer.Option("--status", help="Only these statuses.")] = None,
    recipient: Annotated[str | None, typer.Option(help="Only to this recipient.")] = None,
    provider: Annotated[list[str] | None, typer.Option(help="Only through these providers.")] = None,
    notification: Annotated[str | None, typer.Option(help="Only of this template.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only with all these tags.")] = None,
    request: Annotated[str | None, typer.Option(help="Only those of this request.")] = None,
    limit: Limit = 20,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """List messages, newest first."""
    api = target(url, key, data_dir, world)
    filters = {
        "status": status_, "recipient": recipient, "provider": provider, "notification": notification,
        "tag": tag, "traceId": request,
    }  # fmt: skip
    table = Table(box=None, header_style="dim")
    table.add_column("id", no_wrap=True)
    for name in ("accepted", "status", "recipient", "error"):
        table.add_column(name, overflow="fold")
    for one in _list(api, limit, {name: value for name, value in filters.items() if value}):
        accepted = clock_time(one.get("enqueued"))
        table.add_row(one["id"], accepted, status(one), one.get("recipient") or "", one.get("error") or "")
    _console().print(table)


def message(
    message_id: Annotated[str, typer.Argument(help="Id of the message, as `notify send` prints it.")],
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """Show what happened to one message, step by step."""
    api = target(url, key, data_dir, world)
    record = api.get("messages", message_id)
    _console().print(timeline(record, api.get("messages", message_id, "history")["results"]))


def outbox(
    limit: Limit = 10,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """Show the messages the sandbox has kept instead of sending them, with what they say."""
    api, console = target(url, key, data_dir, world), _console()
    kept = _list(api, limit, {"provider": "sandbox"})
    for record in reversed(kept):
        outputs = api.get("messages", record["id"], "output")["results"]
        parts = [_output(one) for one in outputs if one["channel"] in _channels(api, record)]
        head = Text.assemble(
            status(record), f"  {clock_time(record.get('enqueued'))}  to {record.get('recipient')}"
        )
        console.print(Panel(Group(head, *parts), title=record["id"], title_align="left"))
    if not kept:
        console.print(
            "The outbox is empty: nothing has been sent in this world yet, or providers are configured."
        )


def _channels(api: Target, record: Json) -> set[str]:
    """The channels by which the sandbox was reached."""
    providers = api.get("messages", record["id"]).get("providers", [])
    return {one["channel"]["key"] for one in providers if one.get("provider") == "sandbox"}


def _output(output: Mapping[str, Any]) -> RenderableType:
    content = output["content"]
    heading = content.get("subject") or content.get("title")
    words = content.get("text") or content.get("body") or ""
    return Text.assemble(
        (f"\n{output['channel']}", "cyan"), f"  {heading}\n" if heading else "\n", words.strip()
    )


def _list(api: Target, limit: int, filters: Mapping[str, Any]) -> list[Json]:
    """Up to ``limit`` messages, over as many pages as that takes."""
    found: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.get("messages", **filters, **cursor)
        found += page["results"]
        if len(found) >= limit or not page["paging"].get("more"):
            return found[:limit]
        cursor = {"cursor": page["paging"]["cursor"]}


def _console() -> Console:
    return Console(highlight=False)
