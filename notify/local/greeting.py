"""What ``notify up`` prints: its progress, then addresses, keys and first calls that work when pasted."""

from notify.local.instance import Instance
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

or in Python (pip install trycourier):

from courier import Courier
client = Courier(api_key="{test}", base_url="{base_url}")
to = {{"email": "ada@example.com"}}
content = {{"title": "Hello {{{{name}}}}", "body": "It works from Python, too."}}
print(client.send.message(message={{"to": to, "content": content, "data": {{"name": "Ada"}}}}).request_id)

Then look at what was sent:

notify outbox

Ctrl-C stops everything.
"""


def say(text: str) -> None:
    """A line of progress."""
    print(text, flush=True)


def greet(ready: Instance) -> None:
    """Tell how to use the instance."""
    # Printed as it is: a line that is wrapped for the terminal does not survive being pasted.
    say(text(ready))


def text(ready: Instance) -> str:
    """The greeting."""
    keys = {world.value: ready.api_keys[world] for world in World}
    return _TEXT.format(base_url=ready.base_url, flower_url=ready.flower_url, **keys)
