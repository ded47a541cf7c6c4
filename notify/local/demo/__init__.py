"""``notify demo``: a fresh instance, local servers for providers, notifications, and what became of them.

Everything goes through the public HTTP API with the official client; the outcome is read from the message log
and compared with what arrived at the servers.
"""

import signal
import sys

from courier import Courier, CourierError

from notify.local.demo.play import play
from notify.local.demo.report import Report
from notify.local.demo.scenes import SCENES
from notify.local.demo.theatre import Theatre, answer
from notify.local.lab import HttpLab, MailLab
from notify.local.separate import Ready, separate_instance

__all__ = ["run"]

# Quick retries, and a way to the servers of this machine, which is closed otherwise.
_SETTINGS = {"NOTIFY_RETRY_WAITS_S": "0.8,0.8,0.8,5,10", "NOTIFY_ALLOWED_NETWORKS": "127.0.0.0/8"}


def run() -> int:
    """Play the demo; returns the exit code: 0 when every outcome is the expected one."""
    report = Report()
    # Leaving by an exception stops the instance, too; dying by the signal would leave that to the kernel.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    report.title("Starting Notify: PostgreSQL, Valkey, API, workers, beat, Flower")
    with MailLab() as mail, HttpLab(answer) as http, separate_instance(**_SETTINGS) as ready:
        report.console.print(f"{len(ready.pids)} processes serve at {ready.base_url}")
        try:
            good = _play(report, ready, mail, http)
        except CourierError as error:
            good = report.broken(error)
        report.title("Stopping")
    return 0 if good else 1


def _play(report: Report, ready: Ready, mail: MailLab, http: HttpLab) -> bool:
    with Courier(api_key=ready.api_keys["production"], base_url=ready.base_url) as client:
        theatre = Theatre(client, mail, http)
        theatre.configure()
        report.title(f"Sending {len(SCENES)} notifications")
        acts = play(theatre, SCENES, report.entry)
        report.title("What the message log says")
        report.timelines(acts)
        report.title("Expected and found")
        return report.summary(theatre, acts)
