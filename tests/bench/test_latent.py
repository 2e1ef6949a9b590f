from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import torch
from click.testing import CliRunner

from mnemon.bench.latent import report, run
from mnemon.bench.latent.section import Row
from mnemon.bench.provenance import Origin
from mnemon.cli.app import mnemon
from mnemon.errors import InvalidInput, UnknownName


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_command_finds_the_cliff_and_that_erasing_is_exact(tmp_path) -> None:
    told = ["bench", "latent", "--only", "larimar", "--brief", "--json", "--out", str(tmp_path)]
    done = CliRunner().invoke(mnemon, told)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    half, twice, *erased = (row["figures"] for row in found["larimar"])
    assert half["recall"] == 1 > 0.5 > twice["recall"] and half["strangers_known"] == 0
    assert half["state_bytes"] == twice["state_bytes"]
    assert all(one["bytes_that_differ"] == 0 < one["by_the_paper_update"] for one in erased)
    assert all(one["gone_nats"] == one["never_saw_nats"] > 5 for one in erased)
    assert found["origin"]["machine"]["cores"] > 0
    assert "| segments | tokens | recall |" in (tmp_path / "report.md").read_text()


def test_a_prefix_has_one_size_and_training_lowers_the_loss() -> None:
    found = run.run_latent(["ntk-attention"], brief=True).sections["ntk-attention"]
    errors = [row.figures for row in found if "zk_error" in row.figures]
    assert {one["zk_bytes_a_head"] for one in errors} == {4 * 32 * 33}
    assert all(one["zk_bytes_a_head"] <= one["truncated_bytes_a_head"] for one in errors)
    assert all(0 < one["fitted_error"] < one["dropped_error"] for one in errors)
    alone, sums, trained = (row.figures for row in found if "nats" in row.figures)
    assert trained["nats"] < min(alone["nats"], sums["nats"])
    assert trained["state_bytes"] == sums["state_bytes"] > alone["state_bytes"] == 0


def test_an_unknown_method_is_refused_by_name() -> None:
    with pytest.raises(UnknownName, match="did you mean 'larimar'"):
        run.run_latent(["larimer"])


def test_only_pools_are_measured_on_another_device() -> None:
    with pytest.raises(InvalidInput, match="only the part `pool`"):
        run.run_latent(["larimar"], device="cuda")


def test_rows_of_one_heading_are_one_table() -> None:
    rows = (Row("a", {"n": 1}, {"x": 0.5}), Row("a", {"n": 2}, {"y": 1234.5}), Row("b", {}, {}))
    found = run.LatentRun({"m": rows}, {}, Origin({}, {}, "", {}, "", 0))
    (first, table), (second, _) = report.tables(found)
    assert (first, second) == ("m: a", "m: b")
    assert table == [["n", "x", "y"], ["1", "0.5", ""], ["2", "", "1,234"]]
