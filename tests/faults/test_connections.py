"""No connection of the database is held while a provider is called."""

from notify.local.process import wait_until
from tests.faults.conftest import QUIET_S, Trial

CALL_S = 1.5
_HELD = """
    SELECT count(*) FROM pg_stat_activity
    WHERE application_name = 'notify' AND xact_start < clock_timestamp() - interval '0.7 s'
"""


def test_no_transaction_is_open_during_a_call(trial: Trial) -> None:
    world = trial.world
    site = world.instance.outside.sites["hook"]
    quick, site.latency_s = site.latency_s, lambda: CALL_S
    held: list[object] = []
    try:
        before = world.records.requests
        sending = world.driver.begin(20, per_s=50)
        with world.instance.connect() as connection:

            def look() -> bool:
                held.extend(row for (row,) in connection.execute(_HELD).fetchall() if row)
                return world.unfinished() == 0 and world.records.requests > before

            assert wait_until(look, 30, every_s=0.1)
        sending.result(timeout=QUIET_S)
    finally:
        site.latency_s = quick
    assert held == []
    trial.settled(20)
