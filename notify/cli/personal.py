"""``notify export`` and ``erase``: what is kept of a person; needs ``DATABASE_URL``, not a running API."""

import sys
from typing import Annotated

import typer

from notify import queue
from notify.cli.failure import FAILED, explained
from notify.cli.target import DataDir
from notify.local import instance
from notify.manage import personal
from notify.model.names import World

UserId = Annotated[str, typer.Argument(help="The user's id.")]
InWorlds = Annotated[World | None, typer.Option("--world", help="Only this world; both without.")]
Addresses = Annotated[
    list[str] | None,
    typer.Option("--address", help="Also theirs: an e-mail address or number that is not in the profile."),
]


def export(
    user_id: UserId,
    world: Annotated[World, typer.Option(help="The world.")] = World.PRODUCTION,
    address: Addresses = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
) -> None:
    """Print everything that is kept of a user, as one JSON object."""
    with explained():
        instance.adopt(data_dir)
        for piece in personal.export(user_id, world, address or ()):
            sys.stdout.write(piece)


def erase(
    user_id: UserId,
    world: InWorlds = None,
    address: Addresses = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    within: Annotated[float, typer.Option(min=1, help="Seconds after which to stop.")] = 3600,
    data_dir: DataDir = instance.DEFAULT_DIR,
) -> None:
    """Forget a user: counts and statuses stay, the rest of theirs goes. May be stopped and run again."""
    if not yes:
        typer.confirm(f"Erase everything that is kept of {user_id}?", abort=True)
    left = False
    with explained():
        instance.adopt(data_dir)
        for each in [world] if world else World:
            done = personal.erase(user_id, each, addresses=address or (), wake=queue.publish, within_s=within)
            rows = ", ".join(f"{table} {count}" for table, count in sorted(done.rows.items()) if count)
            print(f"{each}: {rows or 'nothing was kept'}. In the audit log: user/{done.digest}")
            left |= not done.done
    if left:
        print("Some is left: messages are being sent, or the time was up. Run it again.")
        raise typer.Exit(FAILED)
