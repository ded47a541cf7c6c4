"""``notify keys``: API keys of the database in the settings; needs ``DATABASE_URL``, not a running API."""

from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from notify.cli.failure import FAILED, explained, fail
from notify.cli.target import DataDir
from notify.local import instance
from notify.manage import keys as manage
from notify.model.names import Mode, World

app = typer.Typer(help="Create, list and revoke API keys.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    world: Annotated[World, typer.Option(help="What it opens.")] = World.TEST,
    kind: Annotated[
        Mode, typer.Option(help="Sends published templates, their drafts, or all but the provider's call.")
    ] = Mode.PUBLISHED,
    data_dir: DataDir = instance.DEFAULT_DIR,
) -> None:
    """Make a key and print it; it cannot be shown again."""
    with explained():
        instance.adopt(data_dir)
        print(manage.create(world, name, kind))


@app.command("list")
def list_(data_dir: DataDir = instance.DEFAULT_DIR) -> None:
    """List all keys; what they are in the clear is not known."""
    table = Table(box=None, header_style="dim")
    for name in ("id", "world", "kind", "begins", "name", "created", "revoked"):
        table.add_column(name, no_wrap=name == "id", overflow="fold")
    with explained():
        instance.adopt(data_dir)
        for one in manage.find():
            revoked = f"{one.revoked_at:%Y-%m-%d %H:%M}" if one.revoked_at else ""
            created = f"{one.created_at:%Y-%m-%d %H:%M}"
            table.add_row(str(one.id), one.world, one.kind, one.hint, one.name, created, revoked)
    Console(highlight=False).print(table)


@app.command()
def revoke(
    key_id: Annotated[UUID, typer.Argument(help="Its id, as `notify keys list` shows it.")],
    data_dir: DataDir = instance.DEFAULT_DIR,
) -> None:
    """Refuse a key from now on."""
    with explained():
        instance.adopt(data_dir)
        if not manage.revoke(key_id):
            fail(f"notify: no key in force has the id {key_id}", FAILED)
    print("Revoked.")
