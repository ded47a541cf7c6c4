"""The embedded PostgreSQL: prepares DATA_DIR/postgres and becomes its server process.

It listens on a Unix socket only, which nobody but its own user and root can open, so it needs no password.
"""

import os
import pwd
import shutil
import signal
import socket
from pathlib import Path
from urllib.parse import quote

from notify.local import account, process

ROLE = DATABASE = "notify"
_SOCKET = ".s.PGSQL.5432"
_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    # Our statements are short: compiling them takes longer than running them.
    "jit": "off",
    # Parallel workers need /dev/shm, which containers keep small, and the cores are the pipeline's.
    "max_parallel_workers_per_gather": "0",
    # Checkpoints write every touched page to the WAL once more: fewer of them, spread out.
    "checkpoint_timeout": "15min",
    "max_wal_size": "2GB",
    "wal_compression": "on",
    # The work table turns over completely within seconds.
    "autovacuum_naptime": "15s",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] ",
}


def directory(data_dir: Path) -> Path:
    """Where the database of an instance lives."""
    return data_dir.absolute() / "postgres"


def url(data_dir: Path, database: str = DATABASE) -> str:
    """The libpq URL of the server of ``data_dir``, running or not."""
    home = directory(data_dir)
    return f"postgresql://{ROLE}@/{database}?host={quote(str(process.socket_dir(home, _SOCKET)))}"


def ready(data_dir: Path) -> bool:
    """Whether the server accepts connections; opens no session."""
    home = directory(data_dir)
    try:
        lines = (home / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    # A server that was killed leaves its file behind, hence the look at the socket.
    return (
        len(lines) > 7
        and lines[7].strip() == "ready"
        and _listens(process.socket_dir(home, _SOCKET) / _SOCKET)
    )


def clean_up(data_dir: Path) -> None:
    """Leave nothing outside the data directory once the server has stopped."""
    process.drop_socket_dir(directory(data_dir), _SOCKET)


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            return False
        return True


def run(data_dir: Path, options: dict[str, str]) -> None:
    """Become the server: prepare the directory, then replace this process by ``postgres``.

    SIGINT stops it at once and cleanly, SIGTERM lets clients finish first.
    """
    home, user = directory(data_dir), account.server_user()
    home.parent.mkdir(parents=True, exist_ok=True)
    account.let_in(home)
    if not (home / "PG_VERSION").exists():
        _initialise(home, user)
    _clear_stale_pid(home)
    sockets = process.ensure_private(process.socket_dir(home, _SOCKET), user.pw_uid)
    account.become(user)
    # Changing the user has cleared what our parent may have asked the kernel for.
    process.die_with_parent(signal.SIGINT)
    os.chdir(home)
    settings = {**_OPTIONS, "unix_socket_directories": str(sockets), **options}
    flags = [part for key, value in settings.items() for part in ("-c", f"{key}={value}")]
    # It looks for its own files beside the path it was called by.
    os.execv(account.binary("postgres"), [account.binary("postgres"), "-D", str(home), *flags])


def _initialise(home: Path, user: pwd.struct_passwd) -> None:
    """Create the cluster beside its place and move it there when complete: a crash leaves no half of one."""
    new = home.with_name("postgres.new")
    shutil.rmtree(new, ignore_errors=True)
    process.ensure_private(new, user.pw_uid)
    options = ["-U", ROLE, "--auth=trust", "--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
    account.run_as(user, [account.binary("initdb"), "-D", str(new), *options], new)
    single = [account.binary("postgres"), "--single", "-D", str(new), "postgres"]
    account.run_as(user, single, new, f"CREATE DATABASE {DATABASE}\n")
    new.rename(home)


def _clear_stale_pid(home: Path) -> None:
    """Remove a pid file whose number is now a stranger's; PostgreSQL would take that for a running server.

    A pid that no longer exists is left to PostgreSQL, which then also checks the old shared memory.
    """
    file = home / "postmaster.pid"
    if not file.exists():
        return
    # Backends notice within moments that their server was killed, and must be gone before another one starts.
    gone = process.wait_until(lambda: not process.working_in(home), timeout_s=10)
    if gone and process.exists(int(file.read_text().split(maxsplit=1)[0])):
        file.unlink()
