"""A real PgBouncer for tests: Debian's ``pgbouncer``, in transaction mode, before our PostgreSQL."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from notify.local import account, process

PROGRAM = Path("/usr/sbin/pgbouncer")
_CONFIG = """\
[databases]
{database} = host={host} user=notify
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
"""


@contextmanager
def running_pgbouncer(directory: Path, database_url: str) -> Iterator[str]:
    """A PgBouncer while the block runs, few connections for many; yields the URL that leads through it."""
    parts = urlsplit(database_url)
    port, user = process.free_port(), account.server_user()
    config = directory / "pgbouncer.ini"
    host = parse_qs(parts.query)["host"][0]
    config.write_text(_CONFIG.format(database=parts.path[1:], host=host, port=port))
    # It refuses to be root; as the user of the server it may open the server's socket.
    with config.open() as given, (directory / "pgbouncer.log").open("wb") as log:
        command = [str(PROGRAM), f"/dev/fd/{given.fileno()}"]
        running = subprocess.Popen(
            command,
            stdout=log,
            stderr=log,
            user=user.pw_uid,
            group=user.pw_gid,
            pass_fds=[given.fileno()],
            cwd="/",
        )
    try:
        up = process.wait_until(lambda: not process.is_free(port) or running.poll() is not None, 20)
        assert up, "it took too long"
        assert running.poll() is None, (directory / "pgbouncer.log").read_text()
        yield f"postgresql://notify@127.0.0.1:{port}{parts.path}"
    finally:
        running.kill()
        running.wait()
