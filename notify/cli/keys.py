"""``notify keys``: API keys of the database in the settings; needs ``DATABASE_URL``, not a running API."""

import re
from datetime import timedelta
from typing import Annotated
from uuid import UUID

import typer

from notify import clock
from notify.cli.failure import explained
from notify.cli.table import AsJson, show
from notify.cli.target import DataDir
from notify.local import instance
from notify.manage import keys as manage
from notify.model.names import Mode, World
from notify.model.scopes import EVERYTHING, KeyScope
from notify.store.keys import StoredKey

app = typer.Typer(help="Create, list, rotate and revoke API keys.", no_args_is_help=True)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_MAX_DAYS = 3650


def _duration(value: str) -> timedelta:
    """``24h``, ``90d``, ``0s``."""
    match = re.fullmatch(r"(\d{1,9})([smhd])", value)
    found = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else None
    if found is None or found.days > _MAX_DAYS:
        raise typer.BadParameter(f"give a time as 30m, 24h or 90d, at most {_MAX_DAYS}d")
    return found


KeyId = Annotated[UUID, typer.Argument(help="Its id, as `notify keys list` shows it.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What the key is for.")],
    world: Annotated[World, typer.Option(help="What it opens.")] = World.TEST,
    kind: Annotated[
        Mode, typer.Option(help="Sends published templates, their drafts, or all but the provider's call.")
    ] = Mode.PUBLISHED,
    scope: Annotated[
        list[KeyScope] | None, typer.Option(help="What it may do; repeat for more. Default: everything.")
    ] = None,
    expires_in: Annotated[
        timedelta | None, typer.Option(parser=_duration, help="Refused after this, such as 90d.")
    ] = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
) -> None:
    """Make a key and print it; it cannot be shown again."""
    with explained():
        instance.adopt(data_dir)
        expires_at = clock.now() + expires_in if expires_in is not None else None
        print(manage.create(world, name, kind, frozenset(scope or EVERYTHING), expires_at))


@app.command("list")
def list_(as_json: AsJson = False, data_dir: DataDir = instance.DEFAULT_DIR) -> None:
    """List all keys; what they are in the clear is not known."""
    with explained():
        instance.adopt(data_dir)
        found = manage.find()
    columns = ("id", "world", "kind", "begins", "name", "scopes", *_TIMES)
    show(columns, found, _view, as_json=as_json)


_TIMES = {
    "created": "created_at", "last used": "last_used_at", "expires": "expires_at", "revoked": "revoked_at"
}  # fmt: skip


def _view(one: StoredKey) -> dict[str, str]:
    times = {shown: getattr(one, name) for shown, name in _TIMES.items()}
    return {
        "id": str(one.id),
        "world": one.world,
        "kind": one.kind,
        "begins": one.hint,
        "name": one.name,
        "scopes": "all" if one.scopes == EVERYTHING else " ".join(sorted(one.scopes)),
        **{what: f"{at:%Y-%m-%d %H:%M}" for what, at in times.items() if at},
    }


@app.command()
def rotate(
    key_id: KeyId,
    overlap: Annotated[
        timedelta, typer.Option(parser=_duration, help="How long the old one works.", show_default="24h")
    ] = manage.DEFAULT_OVERLAP,
    data_dir: DataDir = instance.DEFAULT_DIR,
) -> None:
    """Make a key like this one and print it; the old one expires after the overlap."""
    with explained():
        instance.adopt(data_dir)
        new = manage.rotate(key_id, overlap)
    print(new.clear)
    typer.echo(f"The old key works until {new.until:%Y-%m-%d %H:%M} UTC.", err=True)


@app.command()
def revoke(key_id: KeyId, data_dir: DataDir = instance.DEFAULT_DIR) -> None:
    """Refuse a key from now on."""
    with explained():
        instance.adopt(data_dir)
        manage.revoke(key_id)
    print("Revoked.")
