"""``notify lists``, ``audiences``, ``tenants``, ``tokens``: who is on them, and filling lists from a file."""

import csv
import json
import sys
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Annotated
from urllib.parse import quote

import typer

from notify.cli.failure import explained, fail
from notify.cli.table import AsJson, Limit, items, show
from notify.cli.target import Target, on_api

_CHUNK = 5000
_STDIN = Path("-")

lists_app = typer.Typer(help="Look at lists, and fill them.", no_args_is_help=True)
audiences_app = typer.Typer(help="Look at audiences and who is in them.", no_args_is_help=True)
tenants_app = typer.Typer(help="Look at tenants and their members.", no_args_is_help=True)
tokens_app = typer.Typer(help="Look at users' devices.", no_args_is_help=True)


@lists_app.command("list")
@on_api
def lists(
    api: Target,
    pattern: Annotated[str | None, typer.Option(help="Only those that match, such as `orders.*`.")] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List the lists."""
    found = items(api, "lists", limit=limit, pattern=pattern)
    show(("id", "name", "created"), found, as_json=as_json)


@lists_app.command("show")
@on_api
def show_list(
    api: Target,
    list_id: Annotated[str, typer.Argument(help="Id of the list.")],
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Show who is on a list."""
    found = items(api, "lists", list_id, "subscriptions", limit=limit)
    show(("recipientId", "created"), found, as_json=as_json)


@lists_app.command("import")
@on_api
def import_list(
    api: Target,
    list_id: Annotated[str, typer.Argument(help="Id of the list; it is created if there is none.")],
    file: Annotated[Path, typer.Argument(help="CSV with a column `user_id`, or one id a line; - is stdin.")],
    column: Annotated[str, typer.Option(help="The column with the user ids.")] = "user_id",
) -> None:
    """Subscribe the users of a file; who is on the list stays as they are. It may be repeated."""
    count = 0
    with explained():
        users = users_of(file, column)
        while chunk := list(islice(users, _CHUNK)):
            api.post(
                _path("lists", list_id, "subscriptions"), {"recipients": [{"recipientId": u} for u in chunk]}
            )
            count += len(chunk)
    print(f"{count} users subscribed to {list_id}.")


def users_of(file: Path, column: str) -> Iterator[str]:
    """The ids in a column of a CSV file, or one a line; `-` is stdin."""
    with sys.stdin if file == _STDIN else file.open(encoding="utf-8-sig", newline="") as lines:
        rows = csv.reader(lines)
        head = next(rows, [])
        if column not in head and len(head) > 1:
            fail(f"notify: {file} has no column {column!r}; there are {', '.join(head)}.", 2)
        at = head.index(column) if column in head else 0
        below = rows if column in head else chain([head], rows)
        yield from (row[at].strip() for row in below if len(row) > at and row[at].strip())


@audiences_app.command("list")
@on_api
def audiences(
    api: Target,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List the audiences."""
    found = items(api, "audiences", limit=limit)
    show(("id", "name", "description", "updated_at"), found, as_json=as_json)


@audiences_app.command("show")
@on_api
def show_audience(
    api: Target,
    audience_id: Annotated[str, typer.Argument(help="Id of the audience.")],
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Show an audience's filter, who matches it now, and why."""
    if not as_json:
        print(json.dumps(api.get("audiences", audience_id).get("filter"), indent=2))
    found = items(api, "audiences", audience_id, "members", limit=limit)
    show(("member_id", "added_at", "reason"), found, as_json=as_json)


@tenants_app.command("list")
@on_api
def tenants(
    api: Target,
    parent: Annotated[str | None, typer.Option(help="Only the direct children of this tenant.")] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List the tenants."""
    found = items(api, "tenants", limit=limit, parent_tenant_id=parent)
    show(("id", "name", "parent_tenant_id", "brand_id"), found, as_json=as_json)


@tenants_app.command("show")
@on_api
def show_tenant(
    api: Target,
    tenant_id: Annotated[str, typer.Argument(help="Id of the tenant.")],
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """Show a tenant and its members."""
    if not as_json:
        print(json.dumps(api.get("tenants", tenant_id), indent=2))
    show(("user_id", "profile"), items(api, "tenants", tenant_id, "users", limit=limit), as_json=as_json)


@tokens_app.command("list")
@on_api
def tokens(
    api: Target,
    user_id: Annotated[str, typer.Argument(help="Whose devices.")],
    as_json: AsJson = False,
) -> None:
    """List the devices of a user, and whether push goes to them."""
    found = api.get("users", user_id, "tokens")["tokens"]
    columns = ("token", "provider_key", "status", "status_reason", "expiry_date")
    show(columns, found, as_json=as_json)


def _path(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in parts)
