"""``notify lists``, ``audiences``, ``tenants``, ``tokens``: who is on them, and filling lists from a file."""

import csv
import json
import sys
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer
from rich.console import Console
from rich.table import Table

from notify.cli.failure import explained, fail
from notify.cli.target import DataDir, InWorld, Json, Key, Target, Url, target
from notify.local import instance
from notify.model.names import World

_CHUNK = 5000
_STDIN = Path("-")
Limit = Annotated[int, typer.Option(min=1, help="How many at most.")]

lists_app = typer.Typer(help="Look at lists, and fill them.", no_args_is_help=True)
audiences_app = typer.Typer(help="Look at audiences and who is in them.", no_args_is_help=True)
tenants_app = typer.Typer(help="Look at tenants and their members.", no_args_is_help=True)
tokens_app = typer.Typer(help="Look at users' devices.", no_args_is_help=True)


@lists_app.command("list")
def lists(
    pattern: Annotated[str | None, typer.Option(help="Only those that match, such as `orders.*`.")] = None,
    limit: Limit = 100,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """List the lists."""
    api = target(url, key, data_dir, world)
    query = {"pattern": pattern} if pattern else {}
    _show(("id", "name", "created"), islice(_items(api, "lists", **query), limit))


@lists_app.command("show")
def show_list(
    list_id: Annotated[str, typer.Argument(help="Id of the list.")],
    limit: Limit = 100,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """Show who is on a list."""
    api = target(url, key, data_dir, world)
    _show(("recipientId", "created"), islice(_items(api, "lists", list_id, "subscriptions"), limit))


@lists_app.command("import")
def import_list(
    list_id: Annotated[str, typer.Argument(help="Id of the list; it is created if there is none.")],
    file: Annotated[Path, typer.Argument(help="CSV with a column `user_id`, or one id a line; - is stdin.")],
    column: Annotated[str, typer.Option(help="The column with the user ids.")] = "user_id",
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """Subscribe the users of a file; who is on the list stays as they are. It may be repeated."""
    api, count = target(url, key, data_dir, world), 0
    with explained():
        users = _users(file, column)
        while chunk := list(islice(users, _CHUNK)):
            api.post(
                _path("lists", list_id, "subscriptions"), {"recipients": [{"recipientId": u} for u in chunk]}
            )
            count += len(chunk)
    print(f"{count} users subscribed to {list_id}.")


def _users(file: Path, column: str) -> Iterator[str]:
    with sys.stdin if file == _STDIN else file.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.reader(lines)
        head = next(rows, [])
        if column not in head and len(head) > 1:
            fail(f"notify: {file} has no column {column!r}; there are {', '.join(head)}.", 2)
        at = head.index(column) if column in head else 0
        below = rows if column in head else chain([head], rows)
        yield from (row[at].strip() for row in below if len(row) > at and row[at].strip())


@audiences_app.command("list")
def audiences(
    limit: Limit = 100,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """List the audiences."""
    api = target(url, key, data_dir, world)
    _show(("id", "name", "description", "updated_at"), islice(_items(api, "audiences"), limit))


@audiences_app.command("show")
def show_audience(
    audience_id: Annotated[str, typer.Argument(help="Id of the audience.")],
    limit: Limit = 100,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """Show an audience's filter, who matches it now, and why."""
    api = target(url, key, data_dir, world)
    print(json.dumps(api.get("audiences", audience_id).get("filter"), indent=2))
    _show(
        ("member_id", "added_at", "reason"), islice(_items(api, "audiences", audience_id, "members"), limit)
    )


@tenants_app.command("list")
def tenants(
    parent: Annotated[str | None, typer.Option(help="Only the direct children of this tenant.")] = None,
    limit: Limit = 100,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """List the tenants."""
    api = target(url, key, data_dir, world)
    query = {"parent_tenant_id": parent} if parent else {}
    _show(("id", "name", "parent_tenant_id", "brand_id"), islice(_items(api, "tenants", **query), limit))


@tenants_app.command("show")
def show_tenant(
    tenant_id: Annotated[str, typer.Argument(help="Id of the tenant.")],
    limit: Limit = 100,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """Show a tenant and its members."""
    api = target(url, key, data_dir, world)
    print(json.dumps(api.get("tenants", tenant_id), indent=2))
    _show(("user_id", "profile"), islice(_items(api, "tenants", tenant_id, "users"), limit))


@tokens_app.command("list")
def tokens(
    user_id: Annotated[str, typer.Argument(help="Whose devices.")],
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """List the devices of a user, and whether push goes to them."""
    found = target(url, key, data_dir, world).get("users", user_id, "tokens")["tokens"]
    columns = ("token", "provider_key", "status", "status_reason", "expiry_date")
    _show(columns, iter(found))


def _items(api: Target, *path: str, **query: Any) -> Iterator[Json]:
    """All items of a list, page by page; of either style."""
    cursor: dict[str, str] = {}
    while True:
        page = api.get(*path, **query, **cursor)
        yield from page["items"]
        following = page.get("cursor") or page.get("paging", {}).get("cursor")
        if not following:
            return
        cursor = {"cursor": following}


def _show(columns: tuple[str, ...], rows: Iterator[Json]) -> None:
    table = Table(box=None, header_style="dim")
    for name in columns:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(_cell(row.get(name)) for name in columns))
    Console(highlight=False).print(table)


def _cell(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _path(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in parts)
