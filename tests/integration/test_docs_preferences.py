"""The example of ``docs/preferences.md`` does what the page says."""

import re
from pathlib import Path

from tests.integration.harness import Api, Pipeline

PAGE = Path(__file__).parents[2] / "docs" / "preferences.md"


def test_the_example(sandbox: Api, pipeline: Pipeline) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    example = example.replace("pk_test_...", sandbox.key).replace("http://127.0.0.1:8020", sandbox.base_url)
    names: dict[str, object] = {}
    exec(example, names)
    pipeline.drain()
    (message,) = sandbox.messages()
    tried = sandbox.message(message["id"])["providers"]
    assert [one["channel"]["key"] for one in tried] == ["email"]
    (left_out,) = sandbox.get(f"/messages/{message['id']}/explain").json()["skipped"]
    assert left_out["entry"] == "sms"
