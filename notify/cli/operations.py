"""``notify audit``, ``secrets`` and ``retention``: needs ``DATABASE_URL``, not a running API."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from notify.cli.failure import FAILED, explained
from notify.cli.target import DataDir
from notify.local import instance
from notify.manage import audit as audit_log
from notify.manage import retention as manage_retention
from notify.manage import secrets as manage_secrets
from notify.model.names import World

secrets_app = typer.Typer(help="Change the key that encrypts secrets.", no_args_is_help=True)
_SHOWN = 300


def audit(
    target: Annotated[str | None, typer.Option(help="Only changes of this id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    world: Annotated[World | None, typer.Option(help="Only this world's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    data_dir: DataDir = instance.DEFAULT_DIR,
) -> None:
    """Show who changed what, newest first."""
    with explained():
        instance.adopt(data_dir)
        found = audit_log.find(world, limit=limit, target=target)
    table = Table(box=None, header_style="dim")
    for name in ("at", "who", "through", "what", "target", "details"):
        table.add_column(name, overflow="fold")
    for one in found:
        whom, what = f"{one.target_kind}/{one.target_id}", json.dumps(one.details)
        if as_json:
            told = {"at": one.at.isoformat(), "world": one.world, "actor": one.actor, "source": one.source}
            print(json.dumps({**told, "type": one.action, "target": whom, "details": one.details}))
        table.add_row(f"{one.at:%Y-%m-%d %H:%M:%S}", one.actor, one.source, one.action, whom, what[:_SHOWN])
    if not as_json:
        Console(highlight=False).print(table if found else "Nothing has been changed yet.")


@secrets_app.command()
def rotate(data_dir: DataDir = instance.DEFAULT_DIR) -> None:
    """Encrypt every secret with the first of NOTIFY_ENCRYPTION_KEY; may be stopped and run again."""
    with explained():
        instance.adopt(data_dir)
        done = manage_secrets.rotate()
    print(f"Encrypted anew: {done.resealed}.")
    if done.unreadable:
        print("No configured key opens these; enter their secrets again:")
        print("\n".join(f"  {id_}" for id_ in done.unreadable))
        raise typer.Exit(FAILED)
    if done.keys == 1:
        return
    if done.unsigned_keys:
        print(f"Nothing is encrypted with an older key, but links and {done.signed} suppressed addresses")
        print("are signed with it. Set NOTIFY_SIGNING_KEY to what `notify secrets signing-key` prints;")
        print("then the older key may go.")
    else:
        print("The older key may go.")


@secrets_app.command("signing-key")
def signing_key(data_dir: DataDir = instance.DEFAULT_DIR) -> None:
    """Print what NOTIFY_SIGNING_KEY must be so that all that was ever signed stays valid. Keep it secret."""
    with explained():
        instance.adopt(data_dir)
        print(",".join(manage_secrets.signing_keys()))


def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and keep it.")] = False,
    data_dir: DataDir = instance.DEFAULT_DIR,
) -> None:
    """Drop what is older than the settings say; the periodic task does so every hour."""
    with explained():
        instance.adopt(data_dir)
        found = manage_retention.due() if dry_run else manage_retention.run()
    table = Table("what", "rows, about", "size", "kept because", box=None, header_style="dim")
    for one in found:
        table.add_row(one.name, f"{one.rows:,}", _size(one.bytes), one.kept or "")
    console = Console(highlight=False)
    console.print(table if found else "Nothing is old enough to go.")


def _size(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB" if count else ""
