"""A real server under a real, short load."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from mnemon import Memory
from mnemon.bench import load
from mnemon.bench.load import clients
from mnemon.bench.load.server import started
from mnemon.cli.commands.bench import command


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for name, value in (("_WARM_SECONDS", 0.1), ("_ADDS", 200), ("_QUESTIONS", 20)):
        monkeypatch.setattr(load.run, name, value)


def test_a_server_is_loaded_and_nothing_is_lost(monkeypatch, tmp_path):
    for module in (clients, load.run):  # the other test takes wrk where there is one
        monkeypatch.setattr(module, "tool", lambda: "python")
    found = load.run_serve(
        cubes=50, clients=3, seconds=0.2, workers=2, folder=tmp_path, out=tmp_path / "out"
    )
    search, add = found.phases
    assert (search.call, add.call, found.client) == ("search", "add", "python")
    assert search.answers and add.answers and search.errors == add.errors == add.lost == 0
    assert search.lost is None and 0 < add.p50_ms <= add.p95_ms <= add.p99_ms
    with Memory(tmp_path / "serve-50.db") as memory:
        assert memory.count(namespace="bench/serve") >= add.answers
    assert json.loads((tmp_path / "out" / "serve.json").read_text())["cubes"] == 50


def test_the_command_asks_a_server_that_runs_already_and_counts_what_it_lost(monkeypatch, tmp_path):
    real = clients.ask

    def with_a_ghost(*given, **more):
        seen = real(*given, **more)
        return replace(seen, added=(*seen.added, "01a2174a-0000-7000-8000-000000000000"))

    monkeypatch.setattr(load.run, "ask", with_a_ghost)
    with started(tmp_path / "other.db", 1) as running:
        arguments = ["serve", "--url", running.url, "--seconds", "0.2", "--clients", "2", "--json"]
        done = CliRunner().invoke(command, arguments)
    told = json.loads(done.stdout)
    assert done.exit_code == 0 and told["workers"] is None
    assert [(phase["call"], phase["lost"]) for phase in told["phases"]] == [
        ("search", None),
        ("add", 1),
    ]
    assert all(phase["cpu_ms"] is None and phase["answers"] for phase in told["phases"])
