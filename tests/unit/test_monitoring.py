"""Dashboard, alert rules and docs name metrics that exist; every metric and every log line is described."""

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.registry import Collector

from notify import metrics
from notify.manage import gauges

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "deploy" / "grafana" / "notify.json"
ALERTS = ROOT / "deploy" / "prometheus" / "alerts.yml"
CONFIG = ROOT / "deploy" / "prometheus" / "prometheus.yml"
DOCS = (ROOT / "docs" / "observability.md").read_text()
_SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("_total",), "gauge": ("",)}


def _counted() -> dict[str, set[str]]:
    """The series of what processes count, with their labels."""
    found = {}
    for collector in metrics.REGISTRY._collector_to_names:
        described: Any = collector
        for suffix in _SUFFIXES[described._type]:
            labels = set(described._labelnames) | ({"le"} if suffix == "_bucket" else set())
            found[described._name + suffix] = labels
    return found


def _read() -> dict[str, set[str]]:
    """The series that are read at a scrape, from the code that makes them."""
    tree = ast.parse(Path(gauges.__file__).read_text())
    made = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "GaugeMetricFamily"
    ]
    names = {"labels": ("world", "provider"), "_PLACE": gauges._PLACE}
    found = {}
    for call in made:
        given = next((ast.unparse(k.value) for k in call.keywords if k.arg == "labels"), "()")
        found[ast.literal_eval(call.args[0])] = set(eval(given, dict(names)))
    return found


SERIES = {**_counted(), **_read()}


def _dashboard_queries() -> Iterator[str]:
    board = json.loads(DASHBOARD.read_text())
    for panel in board["panels"]:
        yield from (target["expr"] for target in panel.get("targets", ()))
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


def _rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


QUERIES = [*_dashboard_queries(), *(rule["expr"] for rule in _rules())]


# --- dashboard and alerts ------------------------------------------------------------------------


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_asks_for_metrics_and_labels_that_exist(query: str) -> None:
    used = re.findall(r"\b(notify_\w+)(\{[^}]*\})?", query)
    assert used
    for name, selector in used:
        assert name in SERIES, name
        asked = set(re.findall(r"(\w+)\s*[=!]~?\"", selector)) - {"job"}
        assert asked <= SERIES[name], (name, asked)
    together = set().union(*(SERIES[name] for name, _ in used))
    for labels in re.findall(r"\bby \(([^)]*)\)", query):
        assert set(re.split(r",\s*", labels)) <= together, labels


def test_every_metric_is_on_the_dashboard() -> None:
    shown = set(re.findall(r"\bnotify_\w+", " ".join(_dashboard_queries())))
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in SERIES}
    assert families - {re.sub(r"_(bucket|sum|count)$", "", name) for name in shown} == set()


def test_panels_do_not_overlap_and_have_ids_of_their_own() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not taken & cells, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_every_alert_says_how_bad_it_is_and_what_to_do() -> None:
    rules = _rules()
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in {"critical", "warning"}, rule["alert"]
        assert {"summary", "description"} <= rule["annotations"].keys(), rule["alert"]
        assert f"`{rule['alert']}`" in DOCS


def test_prometheus_finds_the_rules_and_every_worker() -> None:
    config = yaml.safe_load(CONFIG.read_text())
    assert config["rule_files"] == [ALERTS.name]
    (_, workers) = config["scrape_configs"]
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    asked = workers["dns_sd_configs"][0]["names"]
    assert sorted(asked) == sorted(name for name in services if name.startswith("worker-"))


def test_promtool_has_nothing_to_say() -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip(
            "PROMTOOL IS NOT INSTALLED: the rules' syntax goes unchecked (Debian package: prometheus)"
        )
    for command in (("rules", ALERTS), ("config", "--syntax-only", CONFIG)):
        checked = subprocess.run([promtool, "check", *command], capture_output=True, text=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr


# --- metrics -------------------------------------------------------------------------------------


def _collectors() -> list[Collector]:
    return list(metrics.REGISTRY._collector_to_names)


def test_every_metric_has_labels() -> None:
    # One without would have a value, of this process alone, before ``metrics.share`` is called.
    assert [one for one in _collectors() if not getattr(one, "_labelnames", None)] == []


def test_names_follow_the_conventions() -> None:
    for name in SERIES:
        assert name.startswith("notify_")
        assert not re.search(r"_(ms|millis|kb)(_|$)", name)


def test_no_label_could_name_a_person_or_a_message() -> None:
    told = set().union(*SERIES.values())
    assert not told & {
        "recipient",
        "user",
        "user_id",
        "email",
        "message",
        "message_id",
        "tenant",
        "path",
        "url",
    }


def test_every_metric_is_described() -> None:
    documented = dict(re.findall(r"^\| `(notify_\w+)` \|([^|]*)\|", DOCS, re.MULTILINE))
    families = {re.sub(r"_(bucket|sum|count)$", "", name): labels for name, labels in SERIES.items()}
    assert sorted(documented) == sorted(families)
    for name, labels in documented.items():
        assert set(re.findall(r"`(\w+)`", labels)) == families[name] - {"le"}, name


# --- log lines -----------------------------------------------------------------------------------


def _events() -> Iterator[tuple[str, str]]:
    """Every event name that is logged, with its file; what is filled in shows as ``*``."""
    for path in (*(ROOT / "notify").rglob("*.py"), *(ROOT / "workers").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and _is_log_call(node):
                yield _name(node.args[0]), str(path.relative_to(ROOT))


def _is_log_call(call: ast.Call) -> bool:
    function = call.func
    if isinstance(function, ast.Name):
        return function.id == "say" and bool(call.args) and isinstance(call.args[0], ast.Constant)
    methods = {"debug", "info", "warning", "error", "exception", "critical"}
    return (
        isinstance(function, ast.Attribute)
        and function.attr in methods
        and ast.unparse(function.value) in {"_log", "log"}
    )


def _name(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "*" for part in node.values)
    return str(ast.literal_eval(node))


def test_every_log_line_is_listed() -> None:
    listed = re.findall(r"^\| `([a-z_.*]+)` \| (?:debug|info|warning|error)", DOCS, re.MULTILINE)
    assert sorted(listed) == sorted({name for name, _ in _events()})


def test_a_log_line_has_a_name_and_its_words_are_fields() -> None:
    for name, path in _events():
        assert re.fullmatch(r"[a-z_*]+(\.[a-z_*]+)+|throttled", name), (name, path)
