"""``notify audit``, ``secrets`` and ``retention``: needs ``DATABASE_URL``, not a running API."""

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from notify.cli.failure import FAILED, explained
from notify.cli.table import AsJson, show
from notify.cli.target import DataDir
from notify.local import instance
from notify.manage import audit as audit_log
from notify.manage import retention as manage_retention
from notify.manage import secrets as manage_secrets
from notify.model.names import World
from notify.store.audit import AuditEvent

secrets_app = typer.Typer(help="Change the key that encrypts secrets.", no_args_is_help=True)
_SHOWN = 300


def audit(
    target: Annotated[str | None, typer.Option(help="Only changes of this id.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    world: Annotated[World | None, typer.Option(help="Only this world's.")] = None,
    as_json: AsJson = False,
    data_dir: DataDir = instance.DEFAULT_DIR,
) -> None:
    """Show who changed what, newest first."""
    with explained():
        instance.adopt(data_dir)
        found = audit_log.find(world, limit=limit, target=target)
    rows = map(_told, found)
    columns = ("at", "who", "through", "what", "target", "details")
    show(columns, rows, _view, as_json=as_json, empty="Nothing has been changed yet.")


def _told(one: AuditEvent) -> dict[str, Any]:
    told = {"at": one.at.isoformat(), "world": one.world, "actor": one.actor, "source": one.source}
    target = f"{one.target_kind}/{one.target_id}"
    return {**told, "type": one.action, "target": target, "details": one.details}


def _view(one: dict[str, Any]) -> dict[str, Any]:
    shown = {"at": one["at"][:19].replace("T", " "), "who": one["actor"], "through": one["source"]}
    return {**one, **shown, "what": one["type"], "details": json.dumps(one["details"])[:_SHOWN]}


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
    as_json: AsJson = False,
    data_dir: DataDir = instance.DEFAULT_DIR,
) -> None:
    """Drop what is older than the settings say; the periodic task does so every hour."""
    with explained():
        instance.adopt(data_dir)
        found = manage_retention.due() if dry_run else manage_retention.run()
    columns = ("what", "rows, about", "size", "kept because")
    show(columns, map(asdict, found), _due, as_json=as_json, empty="Nothing is old enough to go.")


def _due(one: dict[str, Any]) -> dict[str, Any]:
    return {
        "what": one["name"], "rows, about": f"{one['rows']:,}", "size": _size(one["bytes"]),
        "kept because": one["kept"],
    }  # fmt: skip


def _size(count: int) -> str:
    return f"{count / 2**20:,.1f} MiB" if count else ""
