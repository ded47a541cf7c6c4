"""The embedded servers: real processes, killed and started again."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from notify.local import embedded, postgres, process, valkey
from notify.local.embedded import running_postgres, running_valkey


@pytest.fixture
def directory() -> Iterator[Path]:
    """Not ``tmp_path``: each start of pytest closes the folder above all of those to PostgreSQL's user."""
    with tempfile.TemporaryDirectory(prefix="notify-") as name:
        yield Path(name)


@pytest.fixture
def server(request: pytest.FixtureRequest, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The server named by the parameter, as the process manager runs it."""
    name = request.param
    running = subprocess.Popen(embedded.command(name, directory), stderr=subprocess.DEVNULL)
    assert process.wait_until(lambda: embedded.ready(name, directory), timeout_s=30)
    yield running
    running.kill()
    running.wait()
    process.wait_until(lambda: not process.working_in(postgres.directory(directory)), timeout_s=10)


def test_postgres_keeps_data_and_its_address(directory: Path) -> None:
    with running_postgres(directory) as url, psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    with running_postgres(directory) as again, psycopg.connect(again) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
        assert again == url


def test_postgres_is_durable_and_off_the_network(directory: Path) -> None:
    with running_postgres(directory) as url, psycopg.connect(url) as connection:
        shown = {
            name: connection.execute(f"SHOW {name}".encode()).fetchone()
            for name in ("fsync", "synchronous_commit", "full_page_writes", "listen_addresses", "jit")
        }
        socket = postgres.directory(directory) / ".s.PGSQL.5432"
        assert [value for (value,) in filter(None, shown.values())] == ["on", "on", "on", "", "off"]
        assert socket.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("server", ["postgres"], indirect=True)
def test_postgres_recovers_from_kill_9(server: subprocess.Popen[bytes], directory: Path) -> None:
    with psycopg.connect(postgres.url(directory)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    server.kill()
    server.wait()
    with running_postgres(directory) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_postgres_starts_over_a_pid_file_that_names_a_stranger(directory: Path) -> None:
    with running_postgres(directory):
        pid_file = postgres.directory(directory) / "postmaster.pid"
        lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with running_postgres(directory) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_postgres_serves_from_a_path_too_long_for_a_socket(directory: Path) -> None:
    deep = directory / ("x" * 120)
    with running_postgres(deep) as url, psycopg.connect(url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize(
    ("server", "stop"), [("postgres", signal.SIGINT), ("valkey", signal.SIGTERM)], indirect=["server"]
)
def test_a_signal_stops_the_server_cleanly(server: subprocess.Popen[bytes], stop: signal.Signals) -> None:
    server.send_signal(stop)
    assert server.wait(10) == 0


def test_valkey_keeps_tasks_port_and_password(directory: Path) -> None:
    with running_valkey(directory) as url:
        redis.Redis.from_url(url).lpush("queue", "task")
    with running_valkey(directory) as again:
        assert redis.Redis.from_url(again).lrange("queue", 0, -1) == [b"task"]
        assert again == url


@pytest.mark.parametrize("server", ["valkey"], indirect=True)
def test_valkey_recovers_from_kill_9(server: subprocess.Popen[bytes], directory: Path) -> None:
    client = redis.Redis.from_url(valkey.url(directory))
    client.lpush("queue", "task")
    time.sleep(1.5)  # appendfsync everysec
    server.kill()
    server.wait()
    with running_valkey(directory) as url:
        assert redis.Redis.from_url(url).lrange("queue", 0, -1) == [b"task"]


def test_valkey_wants_its_password_and_never_evicts(directory: Path) -> None:
    with running_valkey(directory) as url:
        port = url.rsplit(":", 1)[1].split("/")[0]
        with pytest.raises(redis.AuthenticationError):
            redis.Redis.from_url(f"redis://127.0.0.1:{port}/0").ping()
        assert redis.Redis.from_url(url).config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_instances_run_side_by_side(directory: Path) -> None:
    with running_valkey(directory / "a") as first, running_valkey(directory / "b") as second:
        assert first != second
        with running_postgres(directory / "a") as one, running_postgres(directory / "b") as other:
            for url in (one, other):
                with psycopg.connect(url) as connection:
                    connection.execute("CREATE TABLE mine ()")


def test_a_server_that_cannot_start_says_why(directory: Path) -> None:
    with running_postgres(directory):
        pass
    (postgres.directory(directory) / "PG_VERSION").write_text("9\n")
    with (
        pytest.raises(RuntimeError, match="incompatible"),
        running_postgres(directory),
    ):
        pass
