"""``notify progress``: how a send to many gets on."""

from typing import Annotated

import typer

from notify.cli.target import DataDir, InWorld, Key, Url, target
from notify.local import instance
from notify.model.names import World


def progress(
    request_id: Annotated[str, typer.Argument(help="Id of the request, as `notify send` prints it.")],
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """Show how far a send has come: its messages so far, by status."""
    found = target(url, key, data_dir, world).get("requests", request_id)
    print(
        f"{found['state']}: {found['messages']} messages"
        + (f" ({found['error']})" if "error" in found else "")
    )
    for status, count in sorted(found["statuses"].items(), key=lambda one: -one[1]):
        print(f"{count:>10}  {status}")
