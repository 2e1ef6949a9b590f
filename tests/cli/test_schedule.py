"""Scheduling from the command line."""

from __future__ import annotations

import pytest

from mnemon import Memory
from mnemon.kv.tiers.places import place_of
from mnemon.schedule import measuring
from mnemon.schedule.costs import Costs
from mnemon.schedule.live.notes import known_costs


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_a_plan_is_shown_done_when_asked_for_and_then_has_nothing_to_do(run, ids, store, parsed):
    with Memory(store) as memory:
        memory._store.count_reads({ids[0]: 30, ids[1]: 20})
    shown = run("schedule", "--model", "nano", "--device", "cpu", "--budget", "kv=10MB")
    assert shown.stdout.count("compile kv disk") == 2 and "uses expected in 7 days" in shown.stdout
    assert "costs are defaults" in shown.stderr
    with Memory(store) as memory:
        assert memory.artifacts.list() == []
    told = parsed(run("schedule", "--model", "nano", "--apply", "--json"))
    assert [one["cube"] for one in told["applied"]["done"]] == [
        one["cube"] for one in told["plan"]["decisions"]
    ]
    assert len(told["applied"]["done"]) == 2 and told["applied"]["left"] == []
    assert "nothing to do" in run("schedule", "--model", "nano", "--apply").stdout
    assert "schedule" in run("audit", "show").stdout


def test_budgets_are_stored_and_lifted(run, ids, store):
    assert "budget" not in run("schedule").stdout
    run("schedule", "--budget", "kv=2GB", "--keep-budgets")
    assert "budget of default: kv 2,000,000,000 bytes" in run("schedule").stdout
    run("schedule", "--lift-budgets")
    assert "budget" not in run("schedule").stdout


def test_what_makes_no_sense_is_refused(run, ids):
    run("schedule", "--explain", "--apply", expect=2)
    run("schedule", "--measure", expect=2)
    assert "write FORM=SIZE" in run("schedule", "--budget", "2GB", expect=2).stderr
    assert "no schedule.decay method" in run("schedule", "--decay", "x", expect=2).stderr


def test_measured_costs_are_shown_and_used_from_then_on(run, ids, monkeypatch):
    for name in ("_BATCH", "_TIMES"):
        monkeypatch.setattr(measuring, name, 1)
    remote = "memory://measured"
    shown = run("schedule", "--model", "nano", "--measure", "--remote", remote).stdout
    for form in ("text", "embedding", "kv host", "kv disk", "kv remote", "adapter"):
        assert f"\n{form} " in shown
    assert "costs are defaults" not in run("schedule", "--model", "nano").stderr
    assert place_of(remote).sizes() == {}
    costs = known_costs(None)
    assert "remote" in costs.measured and costs.remote != Costs().remote
