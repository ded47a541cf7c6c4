"""What ``notify up`` prints: its progress, then addresses, keys and first calls that work when pasted."""

import shlex
import shutil
import sys
from pathlib import Path

from notify.local import process
from notify.local.instance import DEFAULT_DIR, Instance
from notify.model.names import World

_TEXT = """
Notify is running.

  API      {base_url}       (its documentation: {base_url}/docs)
  Flower   {flower_url}
  Keys     test        {test}
           production  {production}

Send a first message. In the test world, until you configure a provider, the sandbox keeps it for you to see:

curl -sS {base_url}/send \\
  -H 'Authorization: Bearer {test}' \\
  -H 'Content-Type: application/json' \\
  -d '{{"message": {{"to": {{"email": "ada@example.com"}},
                    "content": {{"title": "Hello", "body": "It works."}}}}}}'

or in Python ({python} has the client; elsewhere: pip install trycourier):

from courier import Courier
client = Courier(api_key="{test}", base_url="{base_url}")
to = {{"email": "ada@example.com"}}
content = {{"title": "Hello {{{{name}}}}", "body": "It works from Python, too."}}
print(client.send.message(message={{"to": to, "content": content, "data": {{"name": "Ada"}}}}).request_id)

Then look at what was sent:

{notify} outbox{data_dir}

Ctrl-C stops everything.
"""


def greet(ready: Instance, data_dir: Path) -> None:
    """Tell how to use the instance."""
    # Printed as it is: a line that is wrapped for the terminal does not survive being pasted.
    process.say(text(ready, data_dir))


def text(ready: Instance, data_dir: Path) -> str:
    """The greeting."""
    return _TEXT.format(
        base_url=ready.base_url,
        flower_url=ready.flower_url,
        python=_command("python"),
        notify=_command("notify"),
        data_dir="" if data_dir == DEFAULT_DIR else f" --data-dir {shlex.quote(str(data_dir))}",
        **{world.value: ready.api_keys[world] for world in World},
    )


def _command(name: str) -> str:
    """How to call a program of our own environment from here, whether that is activated or not."""
    ours = Path(sys.executable).parent / name
    if shutil.which(name) == str(ours):
        return name
    return shlex.quote(str(ours.relative_to(Path.cwd()) if ours.is_relative_to(Path.cwd()) else ours))
