"""The instance a command talks to: options, environment, or the data directory of ``notify up``."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import requests
import typer

from notify.cli.failure import explained, fail
from notify.local import instance
from notify.model.names import World

_TIMEOUT_S = 30

Url = Annotated[str | None, typer.Option(envvar="NOTIFY_URL", help="Base URL of the API.")]
Key = Annotated[str | None, typer.Option(envvar="NOTIFY_API_KEY", help="API key.", show_envvar=True)]
DataDir = Annotated[
    Path,
    typer.Option(
        envvar="NOTIFY_DATA_DIR", help="Where `notify up` keeps its instance: its address and keys."
    ),
]
InWorld = Annotated[World, typer.Option("--world", help="Whose key to take from the data directory.")]

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Target:
    """An API and the key to it."""

    url: str
    key: str

    def get(self, *path: str, **query: Any) -> Json:
        """``GET`` a resource; its path is given in parts."""
        return self._call("GET", "/".join(quote(part, safe="") for part in path), params=query)

    def post(self, path: str, body: Json, headers: dict[str, str] | None = None) -> Json:
        return self._call("POST", path, json=body, headers=headers)

    def put(self, path: str, body: Json) -> Json:
        return self._call("PUT", path, json=body)

    def delete(self, *path: str) -> None:
        """``DELETE`` a resource."""
        self._call("DELETE", "/".join(quote(part, safe="") for part in path))

    def _call(self, method: str, path: str, *, headers: dict[str, str] | None = None, **rest: Any) -> Json:
        everything = {"Authorization": f"Bearer {self.key}", **(headers or {})}
        url = f"{self.url.rstrip('/')}/{path}"
        try:
            answer = requests.request(method, url, headers=everything, timeout=_TIMEOUT_S, **rest)
        except requests.ConnectionError:
            fail(f"notify: nothing answers at {self.url}. Is it running? `notify up` starts one.")
        except requests.RequestException as error:
            fail(f"notify: {error}")
        if not answer.ok:
            fail(f"notify: {answer.status_code} {_reason(answer)}")
        return _object(answer)


def target(url: str | None, key: str | None, data_dir: Path, world: World) -> Target:
    """Where to send a command's requests."""
    if url and key:
        return Target(url, key)
    with explained():
        kept = instance.load(data_dir)
    if kept is None:
        missing = "--key or NOTIFY_API_KEY" if url else "--url and --key (or NOTIFY_URL and NOTIFY_API_KEY)"
        fail(
            f"notify: no instance in {data_dir.absolute()}: start one with `notify up`, or give {missing}.", 2
        )
    found = key or kept.api_keys.get(world)
    if not found:
        fail(f"notify: {data_dir} holds no {world} key: give --key.", 2)
    return Target(url or kept.base_url, found)


def on_api(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose first parameter is made of the options that say where the API is."""

    @wraps(command)
    def run(*, url: str | None, key: str | None, data_dir: Path, world: World, **rest: Any) -> None:
        command(target(url, key, data_dir, world), **rest)

    _, *own = signature(command, eval_str=True).parameters.values()
    all_ = [*(one.replace(kind=Parameter.KEYWORD_ONLY) for one in own), *_OPTIONS]
    run.__signature__ = Signature(all_)  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in all_}
    return run


_OPTIONS = [
    Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
    for name, default, annotation in (
        ("url", None, Url), ("key", None, Key), ("data_dir", instance.DEFAULT_DIR, DataDir),
        ("world", World.TEST, InWorld),
    )
]  # fmt: skip


def _reason(answer: requests.Response) -> str:
    error = _object(answer)
    return str(error.get("message") or answer.reason)


def _object(answer: requests.Response) -> Json:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
