"""``notify limits``: send limits, kept in the database; needs ``DATABASE_URL``, not a running API."""

from dataclasses import asdict
from typing import Annotated

import typer

from notify.cli.failure import FAILED, explained, fail
from notify.cli.table import AsJson, show
from notify.cli.target import DataDir
from notify.local import instance
from notify.manage import send_limits as manage
from notify.model.names import World
from notify.model.send_limit import Period, Scope, SendLimit

app = typer.Typer(help="Set, list and remove send limits.", no_args_is_help=True)

In = Annotated[World, typer.Option("--world", help="Where the limit holds.")]
ScopeName = Annotated[Scope, typer.Argument(help="Whose messages are counted together.")]
PeriodName = Annotated[Period, typer.Argument(help="The calendar period, in UTC; weeks begin on Sunday.")]
Topic = Annotated[str | None, typer.Option("--topic", help="With user_topic: of this topic alone.")]


@app.command("set")
def set_(
    scope: ScopeName,
    period: PeriodName,
    maximum: Annotated[int, typer.Argument(min=0, help="How many messages may go out; more are THROTTLED.")],
    topic: Topic = None,
    world: In = World.PRODUCTION,
    data_dir: DataDir = instance.DEFAULT_DIR,
) -> None:
    """Set a limit, or change it."""
    with explained():
        instance.adopt(data_dir)
        manage.put(world, SendLimit(scope=scope, period=period, maximum=maximum, topic_id=topic))
    print("Set.")


@app.command("list")
def list_(
    world: In = World.PRODUCTION, as_json: AsJson = False, data_dir: DataDir = instance.DEFAULT_DIR
) -> None:
    """List the limits and the topics that are exempt from them."""
    with explained():
        instance.adopt(data_dir)
        found = manage.find(world)
    rows = ({**asdict(one), "topic": one.topic_id} for one in found.limits)
    show(("scope", "topic", "period", "maximum"), rows, as_json=as_json, empty="No limits are set.")
    if found.exempt and not as_json:
        print(f"Exempt topics: {', '.join(sorted(found.exempt))}")


@app.command()
def remove(
    scope: ScopeName,
    period: PeriodName,
    topic: Topic = None,
    world: In = World.PRODUCTION,
    data_dir: DataDir = instance.DEFAULT_DIR,
) -> None:
    """Lift a limit."""
    with explained():
        instance.adopt(data_dir)
        if not manage.remove(world, scope, period, topic):
            of = f" for topic {topic}" if topic else ""
            fail(f"notify: there is no limit per {scope} and {period}{of} in {world}", FAILED)
    print("Removed.")


@app.command()
def exempt(
    topic_id: Annotated[str, typer.Argument(help="A subscription topic; its messages still count.")],
    undo: Annotated[bool, typer.Option("--undo", help="Let the limits hold for it again.")] = False,
    world: In = World.PRODUCTION,
    data_dir: DataDir = instance.DEFAULT_DIR,
) -> None:
    """Never throttle the messages of a topic."""
    with explained():
        instance.adopt(data_dir)
        manage.exempt(world, topic_id, exempted=not undo)
    print("No longer exempt." if undo else "Exempt.")
