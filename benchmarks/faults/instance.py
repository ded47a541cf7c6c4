"""An instance of real processes: servers behind proxies, API, workers, beat; each known by its name."""

import base64
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import requests

from benchmarks.faults.broker import BROKERS, Broker, Valkey, behind, port_of
from benchmarks.faults.loop import Loop
from benchmarks.faults.options import SETTINGS, WORKERS, Options, copy_source
from benchmarks.faults.processes import Process, Processes
from benchmarks.faults.provider import Outside
from benchmarks.faults.proxy import Proxy
from notify.local import embedded, postgres, process, procfile, valkey

_START_TIMEOUT_S = 90


@dataclass(slots=True)
class Instance:
    """``died(name, at)`` of a process is told to ``deaths``."""

    directory: Path
    options: Options
    loop: Loop
    processes: Processes
    outside: Outside
    database: Proxy | None = None
    broker: Proxy | None = None
    broker_server: Broker = field(init=False)
    api_urls: list[str] = field(default_factory=list)
    api_key: str = ""
    code: Path = Path()

    @property
    def database_url(self) -> str:
        """The server itself, past the proxy: for those who look on."""
        return postgres.url(self.directory)

    @property
    def faults(self) -> Path:
        return self.directory / "faults"

    def connect(self) -> "psycopg.Connection[tuple[object, ...]]":
        return psycopg.connect(self.database_url, autocommit=True, connect_timeout=5)

    def names(self, *prefixes: str) -> list[str]:
        """The names of all processes of these kinds."""
        return [one.name for prefix in prefixes for one in self.processes.like(prefix)]

    def steer(self, name: str, text: str | None) -> None:
        """Write a file of the fault directory (``points``, ``clock``); None: take it away."""
        path = self.faults / name
        if text is None:
            path.unlink(missing_ok=True)
        else:
            process.write_private(path, text)

    # --- start

    def start(self) -> None:
        for path in (self.directory / "logs", self.faults):
            path.mkdir(parents=True, exist_ok=True)
        self.code = self.directory / "code"
        copy_source(self.options.source, self.code)
        self._servers()
        environment = self._environment()
        self._command(environment, "migrate")
        made = self._command(environment, "keys", "create", "faults", "--world", "production")
        self.api_key = made.split()[-1]
        for number in range(self.options.apis):
            self._api(number + 1, environment)
        for name in WORKERS:
            for number in range(self.options.workers):
                self._process(name, number + 1, environment)
        for number in range(self.options.beats):
            schedule = str(self.directory / f"beat-{number + 1}")
            self._process("beat", number + 1, {**environment, "NOTIFY_BEAT_SCHEDULE": schedule})
        self.until(self.serving, "the API serves")
        self._providers()

    def _servers(self) -> None:
        options = ["-o", "max_connections=120", "-o", f"fsync={'on' if self.options.fsync else 'off'}"]
        command = embedded.command("postgres", self.directory, options)
        servers = [Process("postgres", command, {}, self._log("postgres"))]
        self.broker_server = BROKERS[self.options.broker](self.directory)
        servers.append(self.broker_server.process(self._log(self.broker_server.name)))
        if self.broker_server.name != "valkey":
            servers.append(Valkey(self.directory).process(self._log("valkey")))
        for server in servers:
            self.processes.add(server).start()
        for server in servers:
            self.await_server(server.name)
        sockets = process.socket_dir(postgres.directory(self.directory), ".s.PGSQL.5432")
        self.database = Proxy(self.loop, str(sockets / ".s.PGSQL.5432"))
        self.broker = Proxy(self.loop, port_of(self.broker_server))

    def _environment(self) -> dict[str, str]:
        assert self.database
        assert self.broker
        return {
            **SETTINGS,
            "NOTIFY_DATABASE_URL": f"postgresql://notify@127.0.0.1:{self.database.port}/notify",
            "NOTIFY_BROKER_URL": behind(self.broker_server, self.broker.port),
            # What workers share of their providers; with Valkey as broker, it goes through the same faults.
            **({} if self.options.broker == "valkey" else {"NOTIFY_CACHE_URL": valkey.url(self.directory)}),
            "NOTIFY_ENCRYPTION_KEY": base64.urlsafe_b64encode(b"fault" * 6 + b"!!").decode(),
            "NOTIFY_FAULT_DIR": str(self.faults),
            "PYTHONPATH": str(self.code),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            **self.options.settings,
        }

    def _command(self, environment: Mapping[str, str], *words: str) -> str:
        """What ``notify WORDS`` prints."""
        given = {**os.environ, **environment}
        command = [sys.executable, "-m", "notify.cli", *words]
        return subprocess.run(command, cwd=self.code, env=given, stdout=-1, check=True).stdout.decode()

    def _api(self, number: int, environment: Mapping[str, str]) -> None:
        port = process.free_port()
        self.api_urls.append(f"http://127.0.0.1:{port}")
        self._process("api", number, {**environment, "NOTIFY_API_PORT": str(port)})

    def _process(self, kind: str, number: int, environment: Mapping[str, str]) -> None:
        name = f"{kind}.{number}"
        own = {**environment, "NOTIFY_INSTANCE": f".{number}"}
        command = [*procfile.COMMAND, kind, str(self.code / "Procfile")]
        self.processes.add(Process(name, command, own, self._log(name), self.code)).start()

    def _log(self, name: str) -> Path:
        return self.directory / "logs" / f"{name}.log"

    def _providers(self) -> None:
        sites = self.outside.sites
        self._configure("webhook", {"url": f"{sites['hook'].url}/hook"})
        for name in ("text-1", "text-2"):
            account = {"account_sid": "AC1", "auth_token": "token", "from_number": "+15550001111"}
            self._configure("twilio", {**account, "base_url": sites[name].url}, alias=name)

    def _configure(self, provider: str, settings: Mapping[str, str], alias: str | None = None) -> None:
        body = {"provider": provider, "settings": settings, **({"alias": alias} if alias else {})}
        headers = {"authorization": f"Bearer {self.api_key}"}
        answer = requests.post(f"{self.api_urls[0]}/providers", json=body, headers=headers, timeout=30)
        answer.raise_for_status()

    # --- look

    def serving(self) -> bool:
        """Whether every API process says it is ready."""
        try:
            return all(requests.get(f"{url}/health/ready", timeout=20).ok for url in self.api_urls)
        except requests.RequestException:
            return False

    def until(self, ready: Callable[[], bool], what: str, timeout_s: float = _START_TIMEOUT_S) -> None:
        if not process.wait_until(ready, timeout_s, every_s=0.1):
            raise TimeoutError(f"not within {timeout_s:.0f} s: {what}\n{self.said()}")

    def said(self, lines: int = 5) -> str:
        """The last lines of every process's log."""
        logs = sorted((self.directory / "logs").glob("*.log"))
        tails = {log.stem: log.read_text(errors="replace").splitlines()[-lines:] for log in logs}
        return "\n".join(f"{name}: {line[:300]}" for name, tail in tails.items() for line in tail)

    def await_server(self, name: str) -> None:
        """Wait until PostgreSQL or the broker takes connections (again)."""
        server = self.processes[name]
        self.until(lambda: server.alive and self._takes_connections(name), f"{name} is there")

    def _takes_connections(self, name: str) -> bool:
        if name == self.broker_server.name:
            return self.broker_server.ready()
        return embedded.ready(name, self.directory)


@contextmanager
def running(
    directory: Path, options: Options, died: Callable[[str, float], None], slow_s: float = 30
) -> Iterator[Instance]:
    """An instance while the block runs; nothing of it is left behind."""
    loop = Loop()
    processes = Processes(died)
    instance = Instance(directory, options, loop, processes, Outside(loop, slow_s))
    try:
        instance.start()
        yield instance
    finally:
        processes.close()
        postgres.clean_up(directory)
        loop.close()
