"""The deployment files start commands that there are, at ports that fit each other."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from mnemon import Memory
from mnemon.cli.app import mnemon
from mnemon.cli.commands.serve import command

DEPLOY = Path(__file__).parents[1] / "deploy"


def of_docker():
    lines = (DEPLOY / "Dockerfile").read_text()
    found = (re.search(rf"^{name} (\[.*\])$", lines, re.M) for name in ("ENTRYPOINT", "CMD"))
    return [word for one in found for word in json.loads(one[1])]


def of_systemd():
    return shlex.split(
        re.search(r"^ExecStart=(.*)$", (DEPLOY / "mnemon.service").read_text(), re.M)[1]
    )


def of_kubernetes():
    _, pod = yaml.safe_load_all((DEPLOY / "kubernetes" / "mnemon.yaml").read_text())
    (container,) = pod["spec"]["template"]["spec"]["containers"]
    return [*of_docker()[:3], *container["args"]]


def of_kubernetes_replicas():
    return [*pod_of_replicas()["command"], *pod_of_replicas()["args"]]


def pod_of_replicas():
    _, deployment, _ = yaml.safe_load_all((DEPLOY / "kubernetes" / "postgresql.yaml").read_text())
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    return container


def composed():
    return yaml.safe_load((DEPLOY / "compose-postgresql.yaml").read_text())


def of_compose_replicas():
    return [*composed()["services"]["mnemon"]["entrypoint"],
            *composed()["services"]["mnemon"]["command"]]  # fmt: skip


@pytest.mark.parametrize(
    "told",
    [of_docker, of_systemd, of_kubernetes, of_kubernetes_replicas, of_compose_replicas],
)
def test_what_is_started_is_a_command(told):
    name, *given = told()
    assert Path(name).name == "mnemon"
    at = given.index("serve")
    mnemon.make_context("mnemon", [*given[:at], "serve", "--help"], resilient_parsing=True)
    parsed = command.make_context("serve", given[at + 1 :])
    assert parsed.params["port"] == 8077 and parsed.params["workers"] == 2


def test_ports_and_key_files_fit():
    service, pod = yaml.safe_load_all((DEPLOY / "kubernetes" / "mnemon.yaml").read_text())
    spec = pod["spec"]["template"]["spec"]
    assert service["spec"]["ports"][0]["port"] == 8077
    assert spec["containers"][0]["ports"][0]["containerPort"] == 8077
    mounts = {one["name"]: one for one in spec["containers"][0]["volumeMounts"]}
    assert mounts["keys"]["mountPath"] == f"{of_docker()[2]}-keys.json"
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert compose["services"]["mnemon"]["ports"] == ["127.0.0.1:8077:8077"]
    patience = int(compose["services"]["mnemon"]["stop_grace_period"].removesuffix("s"))
    drain = float(of_kubernetes()[of_kubernetes().index("--drain") + 1])
    assert min(patience, spec["terminationGracePeriodSeconds"]) > drain + 30  # see serving.py


def test_replicas_share_no_volume():
    _, deployment, budget = yaml.safe_load_all(
        (DEPLOY / "kubernetes" / "postgresql.yaml").read_text()
    )
    spec = deployment["spec"]["template"]["spec"]
    assert deployment["spec"]["replicas"] > budget["spec"]["minAvailable"]
    assert [sorted(one) for one in spec["volumes"]] == [["emptyDir", "name"]]
    assert {one["name"] for one in pod_of_replicas()["env"]} == {"MNEMON_STORE", "XDG_DATA_HOME"}
    services = composed()["services"]
    assert services["mnemon"]["deploy"]["replicas"] > 1 and "volumes" not in services["mnemon"]
    assert services["balancer"]["ports"] == ["127.0.0.1:8077:8077"]
    assert "server,postgres" in (DEPLOY / "Dockerfile").read_text()


def test_the_image_has_what_the_servers_options_need():
    # --upstream and OTEL_EXPORTER_OTLP_ENDPOINT: without their extras a container would not start,
    # and without `mcp` there would be no tools at /mcp.
    assert "'.[client,mcp,otel,server,postgres]'" in (DEPLOY / "Dockerfile").read_text()


def test_the_composed_database_has_a_role_that_is_accepted(postgresql, tmp_path):
    script = composed()["configs"]["role"]["content"].replace("$$", "$")
    script = script.replace("mnemon", "composed")  # the tests have a role of that name
    environment = {
        "PATH": f"{postgresql.programs}:{os.environ['PATH']}", "PGHOST": str(postgresql.folder),
        "MNEMON_PASSWORD": "it's $HOME",
    }  # fmt: skip
    subprocess.run(["sh", "-eu", "-c", script], env=environment, check=True, cwd=tmp_path)
    with Memory(postgresql.url("composed", "composed")) as memory:
        assert memory.add("Miso is grey.").version == 1
