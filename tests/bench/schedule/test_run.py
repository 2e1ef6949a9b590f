import json

import numpy as np
import pytest
from click.testing import CliRunner

from mnemon.bench.schedule import drawn, run
from mnemon.bench.schedule.asked import asked
from mnemon.bench.schedule.report import render
from mnemon.bench.schedule.run import run_schedule
from mnemon.cli.app import mnemon
from mnemon.errors import InvalidInput, UnknownName


@pytest.fixture(scope="module")
def found():
    traces = [
        drawn.drifting(cubes=200, questions=80, topics=8),
        drawn.zipf(cubes=200, questions=80),
    ]
    return run_schedule(traces=traces, budgets=[(5, 20), (10, 50)], policies=[])


def test_ratios_are_the_worst_of_ours_over_the_budgets(found):
    assert list(found.cost_ratio_to_best_classical) == ["drift", "zipf"]
    for name, worst in found.cost_ratio_to_best_classical.items():
        each = [
            one for one in found.rows
            if (one.trace, one.price, one.policy) == (name, 0.25, "expected-saving")
        ]  # fmt: skip
        assert worst == max(one.to_best_classical for one in each)
        assert found.cost_ratio_to_optimum[name] == max(one.to_optimum for one in each)


def test_nothing_beats_the_optimum(found):
    assert all(one.to_optimum >= 1 for one in found.rows)
    assert all(one.to_optimum_on_demand >= 1 for one in found.rows if not one.outcome.ahead)


def test_the_report_has_a_line_for_each(found):
    text = render(found)
    assert text.count("| expected-saving |") == 4
    assert text.count("| drift | 5:20 |") == 2 + 7


def test_a_run_needs_budgets_and_known_policies():
    with pytest.raises(InvalidInput, match="at least one"):
        run_schedule(budgets=[])
    with pytest.raises(UnknownName, match="method is called 'fifo'"):
        run_schedule(traces=[drawn.zipf(cubes=60, questions=2)], policies=["fifo"])


@pytest.fixture(scope="module")
def sample():
    """Its questions take seconds to ask."""
    return asked(None)


def test_the_sample_is_a_trace_of_its_questions(sample):
    (trace,) = sample
    assert trace.name == "sample-serial" and len(trace.questions) > 20
    assert all(len(used) <= 10 for used in trace.questions)
    assert len(np.unique(trace.groups)) > 1


@pytest.mark.parametrize("draw", [drawn.zipf, drawn.drifting])
def test_a_seed_draws_the_same(draw):
    one, again, other = (draw(seed, cubes=600, questions=20) for seed in (3, 3, 4))
    assert [u.tolist() for u in one.questions] == [u.tolist() for u in again.questions]
    assert [u.tolist() for u in one.questions] != [u.tolist() for u in other.questions]


def test_the_command_refuses_what_is_no_budget():
    ran = CliRunner().invoke(mnemon, ["bench", "schedule", "--budgets", "5"])
    assert ran.exit_code and "is no budget" in ran.output


def test_json_has_the_ratios(tmp_path, monkeypatch, sample):
    monkeypatch.setattr(run, "asked", lambda data, seed: {None: sample}[data])
    monkeypatch.setattr(drawn, "zipf", lambda seed, burst=1: _tiny(f"zipf{burst}"))
    monkeypatch.setattr(drawn, "drifting", lambda seed: _tiny("drift"))
    told = ["bench", "schedule", "--json", "--price", "0.25", "--budgets", "10:50"]
    ran = CliRunner().invoke(mnemon, [*told, "--policies", "lru", "--out", str(tmp_path)])
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.stdout)
    assert set(found["cost_ratio_to_optimum"]) == {"sample-serial", "zipf1", "zipf20", "drift"}
    assert (tmp_path / "report.md").is_file()


def _tiny(name):
    one = _ZIPF(cubes=60, questions=10)
    return type(one)(name, one.tokens, one.namespaces, one.groups, one.questions, {})


_ZIPF = drawn.zipf
