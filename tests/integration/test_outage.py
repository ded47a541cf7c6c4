"""An outage of the first provider, with real workers: everybody's mail leaves through the second one."""

import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from notify.local import process
from notify.manage import keys
from notify.model.names import World
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database
from tests.servers import MailLab, ProviderLab, Reply
from tests.stack import StartWorker

PAGE = Path(__file__).parents[2] / "docs" / "routing.md"
MANY = 200
GENEROUS_S = 60


@pytest.fixture
def key(configured: Configure) -> str:
    return keys.create(World.PRODUCTION, "tests")


@pytest.fixture
def api(base_url: str, key: str) -> Api:
    """The API, publishing to the broker."""
    return Api(base_url, key)


def test_an_outage_of_the_first_provider_delays_nobody(
    api: Api, database: Database, start_worker: StartWorker, lab: ProviderLab, mail: MailLab
) -> None:
    start_worker("render", "route", "deliver.email")
    api.configure("sendgrid", factories.sendgrid(lab))
    api.configure("smtp", factories.smtp(mail))

    def sent() -> int:
        return int(database.one("SELECT count(*) FROM message WHERE status = 'SENT'"))

    with lab.always(Reply(status=500)):
        with ThreadPoolExecutor(8) as senders:
            list(senders.map(lambda n: api.send(to={"email": f"user-{n}@example.com"}), range(MANY)))
        process.wait_until(lambda: sent() == MANY, GENEROUS_S)
    assert (sent(), database.work()) == (MANY, [])
    # Each exactly once, and most of them without having waited for a retry.
    assert Counter(mail.recipients[0] for mail in mail.mails) == {
        f"user-{n}@example.com": 1 for n in range(MANY)
    }
    assert lab.count < 2 * MANY


def test_the_example_of_the_docs_runs(
    base_url: str, key: str, start_worker: StartWorker, capsys: pytest.CaptureFixture[str]
) -> None:
    start_worker("render", "route", "deliver.email")
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    exec(code.replace("pk_prod_...", key).replace("http://127.0.0.1:8020", base_url), {})
    last, count = capsys.readouterr().out.splitlines()
    # Calls that were under way before the circuit opened were answered by the provider itself.
    assert re.fullmatch(
        r"SENT \[\('sendgrid', (0, 'circuit open'|1, 'HTTP 500')\), \('smtp', 1, None\)\]", last
    )
    assert count.endswith(", 50 mails from the second")
