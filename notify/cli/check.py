"""``notify check``, ``canary`` and ``status``: whether all is well; needs ``DATABASE_URL`` and the broker."""

import json
import time
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from notify import settings
from notify.cli.failure import FAILED, explained
from notify.cli.status_view import render
from notify.cli.target import DataDir
from notify.local import instance
from notify.manage import canary as manage_canary
from notify.manage import check as manage_check
from notify.manage import status as manage_status
from notify.manage.findings import Finding, Level

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable.")]
_COLOURS = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}


def check(
    as_json: AsJson = False,
    workers_s: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for workers.")] = 3.0,
    data_dir: DataDir = instance.DEFAULT_DIR,
) -> None:
    """Check everything messages need, each finding with its fix; exit 1 if something does not work."""
    console, found = Console(highlight=False), list[Finding]()
    with explained():
        instance.adopt(data_dir)
        settings.load()
        for one in manage_check.run(workers_s=workers_s):
            found.append(one)
            if not as_json:
                console.print(_line(one))
    if as_json:
        print(json.dumps([asdict(one) for one in found], indent=2))
    if any(one.level is Level.FAIL for one in found):
        raise typer.Exit(FAILED)


def _line(one: Finding) -> Text:
    line = Text.assemble((f"{one.level:<5}", _COLOURS[one.level]), (one.subject, "bold"), f"  {one.text}")
    return line.append(f"\n      -> {one.fix}", style="dim") if one.fix else line


def canary(as_json: AsJson = False, data_dir: DataDir = instance.DEFAULT_DIR) -> None:
    """Send a rehearsed message through every lane and wait for it; exit 1 unless all come through."""
    with explained():
        instance.adopt(data_dir)
        manage_canary.look()
        manage_canary.send()
        while not manage_canary.look():
            time.sleep(0.2)
        songs = manage_canary.last()
    if as_json:
        print(json.dumps([asdict(song) for song in songs], indent=2))
    for song in () if as_json else songs:
        print(f"{song.lane:<7} {song.problem or f'came through in {song.latency_s:.2f} s'}")
    if not all(song.ok for song in songs):
        raise typer.Exit(FAILED)


def status(
    once: Annotated[bool, typer.Option("--once", help="Show it once, and stop.")] = False,
    every: Annotated[float, typer.Option(min=0.5, help="Seconds between two looks.")] = 2.0,
    as_json: AsJson = False,
    data_dir: DataDir = instance.DEFAULT_DIR,
) -> None:
    """Watch queues, workers, providers, pauses and failures; Ctrl-C ends it."""
    with explained():
        instance.adopt(data_dir)
        if as_json:
            print(json.dumps(asdict(manage_status.snapshot()), indent=2, default=str))
        elif once:
            Console(highlight=False).print(render(manage_status.snapshot()))
        else:
            _watch(every)


def _watch(every_s: float) -> None:
    with Live(render(manage_status.snapshot()), screen=True, auto_refresh=False) as live:
        try:
            while True:
                time.sleep(every_s)
                live.update(render(manage_status.snapshot()), refresh=True)
        except KeyboardInterrupt:
            return
