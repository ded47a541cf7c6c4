"""What callers are promised while parts are away, frozen or replaced."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest
import requests

from benchmarks.faults.ledger import NO_ROOM
from benchmarks.faults.ours import rolling_restart
from notify.local.process import wait_until
from tests.faults.conftest import QUIET_S, Trial

MESSAGE = {"to": {"user_id": "ada"}, "content": {"title": "Hello", "body": "key999999x0xo"}}
PATIENCE_S = 60


def call(trial: Trial, method: str, path: str, key: str | None = None) -> requests.Response:
    instance = trial.world.instance
    headers = {"authorization": f"Bearer {instance.api_key}", **({"idempotency-key": key} if key else {})}
    body = {"message": {**MESSAGE, "routing": {"method": "single", "channels": ["webhook"]}}}
    return requests.request(
        method,
        instance.api_urls[0] + path,
        json=body if method == "POST" else None,
        headers=headers,
        timeout=PATIENCE_S,
    )


def test_a_frozen_database_gets_503_everywhere_and_a_repeat_is_stored_once(trial: Trial) -> None:
    postgres = trial.world.instance.processes["postgres"]
    assert call(trial, "POST", "/send", "warm").status_code == 202  # the API key is known from here on
    calls = [("POST", "/send", f"frozen-{n}") for n in range(20)]
    calls += [("GET", path, None) for path in ("/messages", "/profiles/ada", "/providers")]
    postgres.freeze()
    try:
        with ThreadPoolExecutor(len(calls)) as callers:
            answers = list(callers.map(lambda one: call(trial, *one), calls))
    finally:
        postgres.thaw()
    assert {(answer.status_code, answer.json()["type"]) for answer in answers} == {
        (503, "service_unavailable")
    }
    assert all(int(answer.headers["retry-after"]) > 0 for answer in answers)
    # One had left when the database froze; the others were taken back.
    said = [answer.json()["message"] for answer in answers[:20]]
    assert any("not known" in one for one in said)
    assert any("nothing was stored" in one for one in said)

    again = [call(trial, *one) for one in calls[:20]]
    once_more = [call(trial, *one) for one in calls[:20]]
    assert {answer.status_code for answer in again} == {202}
    assert [a.json() for a in again] == [a.json() for a in once_more]
    assert trial.world.quiet(QUIET_S)


def test_a_rolling_restart_under_load_refuses_nobody(trial: Trial) -> None:
    """SIGTERM to every process with queues full; who finds one API closed takes the other."""
    driver = trial.world.driver
    sending = driver.begin(600, per_s=40)
    rolling_restart(trial.world, None, None)  # type: ignore[arg-type]  # neither chance nor length
    driver.stop()
    sending.result(timeout=QUIET_S)
    driver.resume()
    trial.settled(driver.fates.messages)
    assert driver.fates.messages > 0
    assert [status for status in driver.fates.answers if status.startswith("5")] == []


def test_a_full_disk_stops_everything_and_loses_nothing(trial: Trial) -> None:
    directory = trial.world.instance.directory
    if not directory.is_mount():
        pytest.skip("LOUD: a full disk is only tested by root, who may mount a small one")
    sending = trial.world.driver.begin(150, per_s=20)
    ballast, answers = directory / "ballast", trial.world.driver.fates.answers

    def refused() -> bool:
        fill(ballast)
        # What is left of the log's files is used up.
        with suppress(psycopg.Error), trial.world.instance.connect() as connection:
            connection.execute("SELECT pg_switch_wal()")
        return any(not answer.startswith("2") for answer in answers)

    with trial.world.journal.span(NO_ROOM):
        try:
            assert wait_until(refused, QUIET_S / 2)
        finally:
            ballast.unlink()
    sending.result(timeout=QUIET_S * 2)
    trial.settled(150)


def fill(path: Path) -> None:
    """Leave no room."""
    with path.open("ab", buffering=0) as file:
        for size in (2**20, 2**12):
            with suppress(OSError):
                while True:
                    file.write(bytes(size))
