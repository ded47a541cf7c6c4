"""``notify progress``: how a send to many gets on."""

from typing import Annotated

import typer

from notify.cli.target import Target, on_api


@on_api
def progress(
    api: Target,
    request_id: Annotated[str, typer.Argument(help="Id of the request, as `notify send` prints it.")],
) -> None:
    """Show how far a send has come: its messages so far, by status."""
    found = api.get("requests", request_id)
    print(
        f"{found['state']}: {found['messages']} messages"
        + (f" ({found['error']})" if "error" in found else "")
    )
    for status, count in sorted(found["statuses"].items(), key=lambda one: -one[1]):
        print(f"{count:>10}  {status}")
