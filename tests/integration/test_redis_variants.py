"""Redis and Valkey as operators have them: TLS with a CA of their own, ACL users, Sentinels."""

import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import redis

from notify import clock
from notify.local import process, valkey
from notify.manage import keys
from notify.model.names import Lane, World
from notify.pipeline import shared
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api
from tests.servers import ProviderLab
from tests.servers.certificates import server_context
from tests.stack import Servers, StartWorker, Worker, program

TIMEOUT_S = 60
USER, PASSWORD = "notify-user", "p@ss:w/rd"
ESCAPED = "notify-user:p%40ss%3Aw%2Frd"
QUEUES = ("render", "route", "deliver.email")


@contextmanager
def tls_in_front_of(port: int, context: ssl.SSLContext) -> Iterator[int]:
    """What stands before a server and speaks TLS for it; yields its port."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    threading.Thread(target=shake, args=(client,), daemon=True).start()

        def shake(client: socket.socket) -> None:
            with (
                suppress(OSError),
                context.wrap_socket(client, server_side=True) as secure,
                socket.create_connection(("127.0.0.1", port)) as plain,
            ):
                threading.Thread(target=pump, args=(plain, secure), daemon=True).start()
                pump(secure, plain)

        def pump(source: socket.socket, sink: socket.socket) -> None:
            with suppress(OSError):
                while data := source.recv(65536):
                    sink.sendall(data)
            for end in (source, sink):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


@pytest.fixture
def tls_url(servers: Servers, environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """The session's server, for a user of its own and over TLS."""
    admin = redis.Redis.from_url(servers.broker_url)
    admin.execute_command(
        "ACL", "SETUSER", USER, "on", f">{PASSWORD}", "~*", "&*", "+@all", "-@dangerous", "+info"
    )
    context, certificate = server_context(tmp_path)
    with tls_in_front_of(urlsplit(servers.broker_url).port or 0, context) as port:
        yield f"rediss://{ESCAPED}@127.0.0.1:{port}/0?ssl_cert_reqs=required&ssl_ca_certs={certificate}"
    admin.execute_command("ACL", "DELUSER", USER)


class Watched:
    """A primary with a replica and a Sentinel, each a process."""

    def __init__(self, directory: Path) -> None:
        self.primary, self.replica, self.sentinel = (process.free_port() for _ in range(3))
        self._directory = directory
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        common = f"requirepass {PASSWORD}\nmasterauth {PASSWORD}\nsave ''\nbind 127.0.0.1\n"
        self._start(self.primary, common)
        self._start(self.replica, f"{common}replicaof 127.0.0.1 {self.primary}\n")
        assert process.wait_until(self._in_step, TIMEOUT_S, every_s=0.1)
        watch = (
            f"sentinel monitor ours 127.0.0.1 {self.primary} 1\nsentinel auth-pass ours {PASSWORD}\n"
            "sentinel down-after-milliseconds ours 500\nsentinel failover-timeout ours 5000\n"
            "requirepass watching\nbind 127.0.0.1\n"
        )
        self._start(self.sentinel, watch, "--sentinel")
        assert process.wait_until(self._knows_the_replica, TIMEOUT_S, every_s=0.1)

    def _start(self, port: int, config: str, *options: str) -> None:
        home = self._directory / str(port)
        home.mkdir()
        file = home / "server.conf"
        file.write_text(f"port {port}\ndir {home}\n{config}")
        with (home / "log").open("wb") as log:
            command = [valkey._binary(), str(file), *options]
            self._running[port] = subprocess.Popen(command, stdout=log, stderr=log)

    def _in_step(self) -> bool:
        with suppress(redis.RedisError):
            info = redis.Redis(port=self.replica, password=PASSWORD).info("replication")
            return bool(info.get("master_link_status") == "up")
        return False

    def _knows_the_replica(self) -> bool:
        with suppress(redis.RedisError):
            client = redis.Redis(port=self.sentinel, password="watching")
            return bool(client.sentinel_slaves("ours"))
        return False

    def kill(self, port: int) -> None:
        self._running[port].kill()
        self._running[port].wait()

    def stop(self) -> None:
        for port in self._running:
            self.kill(port)

    @property
    def settings(self) -> dict[str, str]:
        return {
            "BROKER_URL": f"sentinel://:p%40ss%3Aw%2Frd@127.0.0.1:{self.sentinel}/1",
            "NOTIFY_SENTINEL_MASTER": "ours",
            "NOTIFY_SENTINEL_PASSWORD": "watching",
        }


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    trio = Watched(tmp_path)
    with ExitStack() as stack:
        stack.callback(trio.stop)
        trio.start()
        yield trio


def limits_answer() -> bool:
    """Whether the shared rate limits are to be reached: the second call has to wait its turn."""
    limits = shared.limits()
    first, second = limits.ask(uuid4(), 60.0, Lane.SINGLE, [False, False], clock.now())
    return first.go and not second.go


def sent(api: Api, worker: Worker) -> None:
    """A message is sent, all the way."""
    id_ = api.send()
    done = process.wait_until(lambda: api.message(id_)["status"] == "SENT", TIMEOUT_S, every_s=0.1)
    assert done, worker.log.read_text()


def test_over_tls_as_an_acl_user(
    base_url: str, configured: Configure, tls_url: str, start_worker: StartWorker, lab: ProviderLab
) -> None:
    worker = start_worker(*QUEUES, concurrency=1, BROKER_URL=tls_url)
    configured(cache_url=tls_url)
    assert limits_answer()
    api = Api(base_url, keys.create(World.PRODUCTION, "tests"))
    api.configure("sendgrid", factories.sendgrid(lab))
    sent(api, worker)


def test_a_certificate_of_an_unknown_ca_is_refused(configured: Configure, tls_url: str) -> None:
    configured(cache_url=tls_url.partition("?")[0])
    assert not limits_answer()


def test_a_failover_behind_sentinels_loses_nothing(
    base_url: str,
    configured: Configure,
    environment: dict[str, str],
    watched: Watched,
    start_worker: StartWorker,
    lab: ProviderLab,
    tmp_path: Path,
) -> None:
    api = Api(base_url, keys.create(World.PRODUCTION, "tests"))
    api.configure("sendgrid", factories.sendgrid(lab))
    # What the API publishes goes to another broker here, so the reconciler is what wakes the work up.
    quick = {"NOTIFY_RECONCILE_GRACE_S": "1", "NOTIFY_RECONCILE_EVERY_S": "1", **watched.settings}
    worker = start_worker(*QUEUES, "maintenance", concurrency=1, **quick)
    configured(cache_url=watched.settings["BROKER_URL"], sentinel_master="ours", sentinel_password="watching")
    assert limits_answer()
    beat = ("celery", "-A", "workers.app", "beat", "--schedule", str(tmp_path / "beat"), "--pidfile=")
    with program({**environment, **quick}, tmp_path / "beat.log", *beat):
        sent(api, worker)
        watched.kill(watched.primary)
        sent(api, worker)
    shared.forget()
    assert process.wait_until(limits_answer, TIMEOUT_S, every_s=0.2)
