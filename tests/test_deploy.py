"""The deployment files start commands that there are, at ports that fit each other."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import yaml

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


@pytest.mark.parametrize("told", [of_docker, of_systemd, of_kubernetes])
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
