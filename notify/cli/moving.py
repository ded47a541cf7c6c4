"""``notify import courier``: a workspace of a server that speaks the same API, into our own database."""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from notify import queue
from notify.cli.failure import FAILED, USAGE, explained, fail
from notify.cli.recipients import users_of
from notify.cli.table import AsJson, show
from notify.cli.target import DataDir
from notify.errors import NotifyError
from notify.local import instance
from notify.model.names import World
from notify.moving.carrying import Mover
from notify.moving.move import NEVER, PROVIDERS, Step, steps
from notify.moving.source import Source
from notify.moving.state import State

app = typer.Typer(help="Move in from another server.", no_args_is_help=True)
SOME_REFUSED = 3
"""The exit code when all was tried and some of it could not be carried."""
_CHUNK = 1000


@app.callback()
def _group() -> None:
    """A group, so that there is room for other servers."""


@app.command()
def courier(
    key: Annotated[
        str, typer.Option(envvar="COURIER_API_KEY", show_envvar=True, help="Its API key, to read with.")
    ],
    source: Annotated[
        str, typer.Option("--from", metavar="URL", help="Its base URL.")
    ] = "https://api.courier.com",
    world: Annotated[World, typer.Option(help="Where to put it all.")] = World.TEST,
    users: Annotated[
        Path | None, typer.Option(help="More users: a CSV with `user_id`, or one id a line; - is stdin.")
    ] = None,
    messages: Annotated[
        int, typer.Option(min=0, help="How many of the newest messages to look at for users.")
    ] = 10_000,
    locale: Annotated[
        list[str] | None, typer.Option(help="Also look for translations of this locale; may be repeated.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=64, help="Requests at the same time.")] = 8,
    state: Annotated[
        Path | None, typer.Option(help="Keeps what is done. Default: notify-import-HOST-WORLD.sqlite")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="What was not carried, as JSON lines. Default: beside the state.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read, check and count; write nothing. Users are only counted.")
    ] = False,
    as_json: AsJson = False,
    data_dir: DataDir = instance.DEFAULT_DIR,
) -> None:
    """Copy a workspace, ids as they are. May be stopped, run again, and run again later for what is new."""
    parts = urlsplit(source)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        fail("notify: --from must be an http(s) URL.", USAGE)
    kept = state or Path(f"notify-import-{parts.hostname}-{world}.sqlite")
    written = report or kept.with_suffix(".report.jsonl")
    # Another key may be of another workspace; what it is stays unknown.
    name = f"{source.rstrip('/')} {sha256(key.encode()).hexdigest()[:12]} into {world}"
    with explained():
        instance.adopt(data_dir)
        with State(None if dry_run else kept, name) as known:
            known.hear(locale or ())
            _meet(known, users)
            mover = Mover(
                source=Source(source, key, connections=concurrency),
                state=known,
                world=world,
                wake=queue.publish,
                concurrency=concurrency,
                dry_run=dry_run,
                told=lambda kind, more: None,
            )
            _run(mover, list(steps(mover, messages=messages)))
            _report(mover, written, as_json=as_json)


def _meet(state: State, users: Path | None) -> None:
    found = users_of(users, "user_id") if users else iter(())
    while chunk := list(islice(found, _CHUNK)):
        state.meet(chunk)


def _run(mover: Mover, todo: Sequence[Step]) -> None:
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        console=Console(file=sys.stderr), disable=not sys.stderr.isatty(),
    )  # fmt: skip
    try:
        with bar:
            for step in todo:
                task = bar.add_task(step.name, total=step.total() if step.total else None)
                mover.told = partial(_advance, bar, task, step)
                step.run()
                bar.update(task, total=bar.tasks[-1].completed)
    except (NotifyError, KeyboardInterrupt) as error:
        fail(f"notify: {str(error) or 'stopped'}\nThe same command goes on from there.", FAILED)
    finally:
        mover.source.close()
    if not mover.dry_run:
        mover.state.finish()


def _advance(bar: Progress, task: TaskID, step: Step, kind: str, more: int) -> None:
    # Of what is known to have an end, only the things themselves bring it nearer.
    if step.total is None or kind == step.name:
        bar.advance(task, more)


def _report(mover: Mover, path: Path, *, as_json: bool) -> None:
    verb = "would carry" if mover.dry_run else "carried"
    rows = [{"what": kind, **asdict(one), verb: one.carried} for kind, one in mover.counts.items()]
    show(("what", "seen", verb, "unchanged", "refused"), rows, as_json=as_json)
    told = _remarks(mover, path)
    err = Console(file=sys.stderr, highlight=False, soft_wrap=True)
    if mover.dry_run:
        err.print(f"{mover.state.count_people()} users were found; their own data was not read.")
    err.print(f"{told} remarks are in {path}.")
    refused = any(one.refused for kind, one in mover.counts.items() if kind != PROVIDERS)
    if refused:
        raise typer.Exit(SOME_REFUSED)


def _remarks(mover: Mover, path: Path) -> int:
    count = 0
    path.touch(mode=0o600)
    with path.open("w") as lines:
        for one in _told(mover):
            lines.write(json.dumps(one) + "\n")
            count += 1
    return count


def _told(mover: Mover) -> Iterator[dict[str, str]]:
    for one in mover.state.remarks():
        outcome = "refused" if one.refused else "left out"
        yield {"kind": one.kind, "id": one.id, "outcome": outcome, "reason": one.reason}
    for never in NEVER:
        what, _, why = never.partition(": ")
        yield {"kind": what, "id": "*", "outcome": "never carried", "reason": why}
