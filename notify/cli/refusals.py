"""``notify refusals``: needs ``DATABASE_URL``, not a running API."""

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from notify.cli.failure import explained
from notify.cli.target import DataDir
from notify.local import instance
from notify.manage import refusals as manage
from notify.model.names import World


def refusals(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 50,
    world: Annotated[World | None, typer.Option(help="Only this world's.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object per line.")] = False,
    data_dir: DataDir = instance.DEFAULT_DIR,
) -> None:
    """Show which messages of Celery tasks were refused and why, newest first."""
    with explained():
        instance.adopt(data_dir)
        found = manage.find(world, limit=limit)
    table = Table("at", "world", "task", "place", "why", box=None, header_style="dim")
    for one in found:
        if as_json:
            print(json.dumps(asdict(one), default=str))
        place = "" if one.place is None else str(one.place)
        table.add_row(f"{one.at:%Y-%m-%d %H:%M:%S}", one.world or "", one.task_id, place, one.message)
    if not as_json:
        Console(highlight=False).print(table if found else "No task has been refused.")
