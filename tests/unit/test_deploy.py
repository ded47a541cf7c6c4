"""What people deploy from: compose file, image and Kubernetes manifests, against the code and each other."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from notify import queue
from notify.local import procfile
from notify.settings import Settings

ROOT = procfile.ROOT
KUBERNETES = ROOT / "deploy" / "kubernetes"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
OURS = {name: each for name, each in COMPOSE.items() if each.get("image") == "notify"}
NAMES = {f"NOTIFY_{name.upper()}" for name in Settings.model_fields} | {"FLOWER_BASIC_AUTH"}
# Our longest wait for a batch under way: to connect, for the answer, and the record of it.
_WARM_SHUTDOWN_S = 30


def _manifests() -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(KUBERNETES.rglob("*.yaml")):
        yield from ((path, each) for each in yaml.safe_load_all(path.read_text()))


MANIFESTS = list(_manifests())
DEPLOYMENTS = {each["metadata"]["name"]: each for _, each in MANIFESTS if each["kind"] == "Deployment"}
WORKERS = {name: each for name, each in DEPLOYMENTS.items() if name.startswith("worker-")}
PODS = {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in DEPLOYMENTS.values()} | {
    "migrate": next(each for _, each in MANIFESTS if each["kind"] == "Job")["spec"]["template"]["spec"]
}


def _seconds(text: str) -> int:
    assert text.endswith("s")
    return int(text[:-1])


# --- compose -------------------------------------------------------------------------------------


def test_compose_takes_the_file() -> None:
    compose = shutil.which("docker-compose")
    if compose is None:
        pytest.skip("DOCKER-COMPOSE IS NOT INSTALLED: the file's schema goes unchecked")
    needed = ("POSTGRES_PASSWORD", "VALKEY_PASSWORD", "NOTIFY_ENCRYPTION_KEY", "NOTIFY_METRICS_TOKEN")
    given = dict.fromkeys((*needed, "NOTIFY_FLOWER_BASIC_AUTH"), "x")
    command = [compose, "--file", str(ROOT / "docker-compose.yml"), "config", "--quiet"]
    done = subprocess.run(command, env={"PATH": "/usr/bin:/bin", **given}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", COMPOSE)
def test_a_service_can_be_scaled_and_is_looked_after(name: str) -> None:
    service = COMPOSE[name]
    assert "container_name" not in service
    assert "healthcheck" in service or name == "migrate"
    assert "restart" in service


@pytest.mark.parametrize("name", [name for name in OURS if name.startswith("worker-")])
def test_a_worker_has_a_name_per_container_and_the_time_to_finish(name: str) -> None:
    service = OURS[name]
    assert f"-n {name}@%h" in service["command"]
    assert _seconds(service["stop_grace_period"]) > _WARM_SHUTDOWN_S
    assert "ports" not in service


@pytest.mark.parametrize("name", OURS)
def test_our_services_get_settings_that_exist(name: str) -> None:
    assert set(OURS[name]["environment"]) <= NAMES


def test_what_is_mounted_exists() -> None:
    mounted = [volume for service in COMPOSE.values() for volume in service.get("volumes", ())]
    files = [volume.split(":")[0] for volume in mounted if volume.startswith("./")]
    assert files
    assert all((ROOT / file).is_file() for file in files)


# --- the image -----------------------------------------------------------------------------------


def test_the_image_is_pinned_and_runs_as_nobody_in_particular() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes -r requirements.lock" in text
    assert [line for line in text.splitlines() if line.startswith("USER")] == ["USER 10001"]
    copied = [
        line.split()[1:-1] for line in text.splitlines() if line.startswith("COPY") and "--from" not in line
    ]
    allowed = (ROOT / ".dockerignore").read_text()
    assert all(f"!{name}\n" in allowed for names in copied for name in names)


# --- Kubernetes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "manifest",
    [
        each
        for _, each in MANIFESTS
        if "k8s.io/v1beta1" not in each["apiVersion"] and "keda" not in each["apiVersion"]
    ],
    ids=lambda each: f"{each['kind']}-{each['metadata']['name']}",
)
def test_kubernetes_takes_a_manifest(manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_every_file_is_used() -> None:
    for file in KUBERNETES.rglob("kustomization.yaml"):
        here = {path.name for path in file.parent.glob("*.yaml")} - {file.name, "secret.example.yaml"}
        assert here == set(yaml.safe_load(file.read_text())["resources"]) - {".."}


@pytest.mark.parametrize("name", PODS)
def test_a_pod_is_closed_and_writes_nowhere_but_tmp(name: str) -> None:
    pod = PODS[name]
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert container["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]
    assert {"requests", "limits"} <= container["resources"].keys()
    assert "livenessProbe" in container or name == "migrate"


def test_every_queue_is_served_once() -> None:
    served = [_arguments(name)[_arguments(name).index("-Q") + 1].split(",") for name in WORKERS]
    assert sorted(name for names in served for name in names) == sorted(queue.names())


def _arguments(name: str) -> list[str]:
    arguments: list[str] = PODS[name]["containers"][0]["args"]
    return arguments


def test_kubernetes_and_compose_run_the_same() -> None:
    assert {*PODS, "migrate"} == set(OURS)
    for name in WORKERS:
        # Concurrency is the only thing a person sets there.
        said = OURS[name]["command"].replace("${NOTIFY_WORKER_CONCURRENCY:-2}", "2").split()
        assert _arguments(name) == said


@pytest.mark.parametrize("name", WORKERS)
def test_workers_differ_in_name_queues_and_pool_only(name: str) -> None:
    def plain(each: str) -> Any:
        found = yaml.safe_load(yaml.safe_dump(WORKERS[each]).replace(each, "NAME"))
        container = found["spec"]["template"]["spec"]["containers"][0]
        words = " ".join(container["args"])
        container["args"] = re.sub(r"-Q \S+ -n NAME@%h (-P threads )?-c \d", "", words)
        return found

    first = next(iter(WORKERS))
    assert plain(name) == plain(first)
    assert WORKERS[name]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] > _WARM_SHUTDOWN_S


def test_the_settings_exist() -> None:
    for _, each in MANIFESTS:
        if each["kind"] in {"ConfigMap", "Secret"}:
            assert set(each.get("data", each.get("stringData"))) <= NAMES


def test_every_kind_of_worker_is_scaled() -> None:
    scaled = [each for _, each in MANIFESTS if each["kind"] == "ScaledObject"]
    assert {each["spec"]["scaleTargetRef"]["name"] for each in scaled} == set(WORKERS)
