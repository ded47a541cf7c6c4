"""``notify suppressions``: addresses that get nothing since they bounced or their owners complained."""

from typing import Annotated

import typer

from notify.cli.table import AsJson, Limit, items, show
from notify.cli.target import Json, Target, on_api
from notify.local.timeline import clock_time
from notify.model.names import Channel

app = typer.Typer(help="List and lift suppressed addresses.", no_args_is_help=True)


@app.command("list")
@on_api
def list_(
    api: Target,
    address: Annotated[str | None, typer.Option(help="Only this address.")] = None,
    channel: Annotated[Channel | None, typer.Option(help="Only on this channel.")] = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List suppressed addresses, newest first; they are stored masked."""
    found = items(api, "suppressions", limit=limit, address=address, channel=channel)
    columns = ("id", "since", "channel", "address", "reason", "detail", "message")
    show(columns, found, _view, as_json=as_json)


def _view(one: Json) -> Json:
    return {**one, "since": clock_time(one["created"]), "message": one["messageId"]}


@app.command()
@on_api
def lift(
    api: Target,
    suppression_id: Annotated[str, typer.Argument(help="Its id, as `notify suppressions list` shows it.")],
) -> None:
    """Send to an address again."""
    api.delete("suppressions", suppression_id)
    print("Lifted.")
