"""``notify suppressions``: addresses that get nothing since they bounced or their owners complained."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from notify.cli.target import DataDir, InWorld, Json, Key, Target, Url, target
from notify.local import instance
from notify.local.timeline import clock_time
from notify.model.names import Channel, World

app = typer.Typer(help="List and lift suppressed addresses.", no_args_is_help=True)


@app.command("list")
def list_(
    address: Annotated[str | None, typer.Option(help="Only this address.")] = None,
    channel: Annotated[Channel | None, typer.Option(help="Only on this channel.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """List suppressed addresses, newest first; they are stored masked."""
    api = target(url, key, data_dir, world)
    table = Table(box=None, header_style="dim")
    for name in ("id", "since", "channel", "address", "reason", "detail", "message"):
        table.add_column(name, no_wrap=name == "id", overflow="fold")
    filters = {"address": address, "channel": channel}
    for one in _all(api, {name: value for name, value in filters.items() if value}, limit):
        since, detail = clock_time(one["created"]), one.get("detail") or ""
        table.add_row(
            one["id"], since, one["channel"], one["address"], one["reason"], detail, one["messageId"]
        )
    Console(highlight=False).print(table)


def _all(api: Target, filters: dict[str, str], limit: int) -> list[Json]:
    found: list[Json] = []
    cursor: dict[str, str] = {}
    while True:
        page = api.get("suppressions", **filters, **cursor)
        found += page["results"]
        if len(found) >= limit or not page["paging"]["more"]:
            return found[:limit]
        cursor = {"cursor": page["paging"]["cursor"]}


@app.command()
def lift(
    suppression_id: Annotated[str, typer.Argument(help="Its id, as `notify suppressions list` shows it.")],
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """Send to an address again."""
    target(url, key, data_dir, world).delete("suppressions", suppression_id)
    print("Lifted.")
