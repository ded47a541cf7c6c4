"""``notify up``, ``demo``, ``migrate``, ``settings``: run an instance, or prepare one that others run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from notify import settings
from notify.cli.failure import FAILED, explained, fail
from notify.local import instance, process
from notify.local.procfile import Profile
from notify.store import db

_PORT, _FLOWER_PORT = 8020, 5555


def up(
    data_dir: Annotated[
        Path | None,
        typer.Option(
            envvar="NOTIFY_DATA_DIR", help="Keep it there, not in ./.notify, and use any free ports."
        ),
    ] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the API.")] = None,
    flower_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of Flower.")] = None,
    ready_file: Annotated[
        Path | None,
        typer.Option(help="Write addresses, keys and pids there, as JSON, once everything serves."),
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Workers of each kind.")] = 1,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Pool processes of each worker.")] = 1,
    profile: Annotated[
        Profile, typer.Option(help="A worker per channel, or the least memory: one for all, with threads.")
    ] = Profile.FULL,
) -> None:
    """Run everything here until Ctrl-C: servers (unless configured), API, workers, beat, Flower."""
    with _local_parts():
        from notify.local import greeting
        from notify.local import up as local
    separate = data_dir is not None
    options = local.Options(
        data_dir=data_dir or instance.DEFAULT_DIR,
        port=_port(port, 0 if separate else _PORT),
        flower_port=_port(flower_port, 0 if separate else _FLOWER_PORT),
        ready_file=ready_file,
        workers=workers,
        concurrency=concurrency,
        procfile=profile.path,
    )
    with explained():
        local.run(options, greeting.greet)


def _port(given: int | None, preferred: int) -> int:
    if given and not process.is_free(given):
        fail(f"notify: port {given} is in use", FAILED)
    return given or process.free_port(preferred)


def demo() -> None:
    """Start an instance of its own, send notifications of every kind, show and check what became of them."""
    with _local_parts():
        from notify.local import demo as local
    with explained():
        raise typer.Exit(local.run())


@contextmanager
def _local_parts() -> Iterator[None]:
    """A server installation lacks what runs everything on one machine; the other commands work without."""
    try:
        yield
    except ModuleNotFoundError as error:
        fail(f"notify: {error.name} is not installed; this command needs pip install 'notify[local]'")


def migrate() -> None:
    """Bring the database of the settings to the newest schema."""
    with explained():
        db.migrate(settings.load().migration_url)
    print("The database is up to date.")


def settings_() -> None:
    """Check the settings and print them; secrets are masked."""
    with explained():
        values = settings.load()
    table = Table("setting", "value", box=None, header_style="dim")
    for name, value in values.model_dump().items():
        table.add_row(name, _shown(name, value))
    Console(highlight=False).print(table)


def _shown(name: str, value: object) -> str:
    if name.endswith("_url") and value:
        return masked(str(value))
    return "" if value is None else str(value)


def masked(url: str) -> str:
    """A URL without its password."""
    head, at, tail = url.rpartition("@")
    scheme, _, user = head.partition("://")
    return f"{scheme}://{user.partition(':')[0]}:********@{tail}" if at and ":" in user else url
