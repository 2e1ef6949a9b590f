from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from mnemon.bench.layers import routing, run, variants, workers
from mnemon.bench.layers.beside import Experts
from mnemon.bench.layers.cells import Cell
from mnemon.bench.layers.world import world
from mnemon.cli.app import mnemon
from mnemon.errors import InvalidInput, UnknownName
from mnemon.weights.layer import Turn


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_command_counts_what_it_says(tmp_path) -> None:
    told = ["--seeds", "1", "--steps", "2", "--facts", "4", "--taught", "0", "--out", str(tmp_path)]
    done = CliRunner().invoke(mnemon, ["bench", "layers", "--json", *told])
    assert done.exit_code == 0, done.output
    rows = {one["name"]: one for one in json.loads(done.stdout)["rows"]}
    base = rows["no memory"]
    assert base["parameters"] == base["bytes_alone"] == base["bytes_together"] == 0
    for name, rate in (("engram", 1), ("hierarchical-memories", 1), ("ultramem-v2", 0)):
        assert rows[name]["hit_rate"] == rate and rows[name]["same"] and rows[name]["fetched"] > 0
    for one, other in (
        ("engram", "experts as engram"),
        ("ultramem-v2", "experts as ultramem-v2"),
    ):
        assert rows[other]["parameters"] == pytest.approx(rows[one]["parameters"], rel=0.05)
        assert rows[other]["operations"] == pytest.approx(rows[one]["operations"], rel=0.02)
    dense = rows["dense FFN as ultramem-v2"]
    assert dense["operations"] == pytest.approx(rows["ultramem-v2"]["operations"], rel=0.02)
    # The generic memory has what one text fetches: 32 neurons of three vectors in two layers.
    assert rows["generic memory"]["bytes_alone"] == 2 * 32 * 3 * 64 * 4
    assert "| engram |" in (tmp_path / "report.md").read_text()


def test_documents_tell_common_facts_more_often_and_of_one_topic() -> None:
    told = world(4, 8, 0)
    assert told.names.tolist() == world(4, 8, 0).names.tolist() != world(4, 8, 1).names.tolist()
    assert len({tuple(one) for one in told.names.tolist()}) == 32
    assert told.shares.sum() == pytest.approx(1) and (np.diff(told.shares) <= 0).all()
    documents = told.documents(np.random.default_rng(0), 500)
    known = {
        tuple(n): (f, t)
        for f, (n, t) in enumerate(zip(told.names.tolist(), told.topics, strict=True))
    }
    facts = [[known[tuple(row[at : at + 2])] for at in (1, 7)] for row in documents.tolist()]
    assert all(one[1] == other[1] for one, other in facts)
    assert sum(one[0] < 8 for one, _ in facts) > 500 / 2
    for row, ((fact, _), _) in zip(documents, facts, strict=True):
        assert row[4:6].tolist() == told.values[fact].tolist()


def test_experts_give_what_each_token_s_best_two_give() -> None:
    torch.manual_seed(0)
    bank, hidden = Experts(8, (0,), 5, 3), torch.randn(2, 4, 8)
    for one in bank.experts(0):
        torch.nn.init.normal_(one.down.weight)
    chance = bank.routers["layer0"](hidden).softmax(-1)
    weight, best = chance.topk(2, -1)
    slow = torch.stack([
        sum(
            weight[b, t, k] / weight[b, t].sum() * bank.experts(0)[best[b, t, k]](hidden[b, t])
            for k in range(2)
        )
        for b in range(2) for t in range(4)
    ]).view(2, 4, 8)  # fmt: skip
    torch.testing.assert_close(bank.added(0, hidden, Turn({})), slow)


def test_another_process_measures_what_this_one_does() -> None:
    cell = Cell(variants.named(["engram"])[0], rate=0.01, seed=0, steps=1, topics=2, facts=2)
    (there,) = workers.measured([cell], jobs=2)
    assert replace(there, cpu_seconds=0) == replace(cell.measured(), cpu_seconds=0)


def test_questions_that_fetch_what_their_documents_do_are_told_from_others() -> None:
    told = world(2, 4, 0)
    right = np.arange(8) < 2

    class Paths:
        by = "text"

        def __init__(self, last: bool) -> None:
            self.last = last

        def address(self, ids: torch.Tensor) -> dict[str, torch.Tensor]:
            # By the topic of the first name; or by whether it is a question.
            first = torch.from_numpy(_topic(told, ids[:, 1].numpy()))
            return {"layer0": (first if not self.last else first * 0 + ids.shape[1])[:, None]}

    met = routing.reached(Paths(False), told, right, 0)
    assert met == {"reached": 1, "reached_right": 0.25, "missed_right": None}
    missed = routing.reached(Paths(True), told, right, 0)
    assert missed == {"reached": 0, "reached_right": None, "missed_right": 0.25}
    assert set(routing.reached(None, told, right, 0).values()) == {None}


def _topic(told, words: np.ndarray) -> np.ndarray:
    known = dict(zip(told.names[:, 0].tolist(), told.topics.tolist(), strict=True))
    return np.array([known[word] for word in words.tolist()])


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(InvalidInput, match="measure nothing"):
        run.run_layers(0)
    with pytest.raises(UnknownName, match="did you mean 'engram'"):
        run.run_layers(1, only=["engrams"])
    with pytest.raises(InvalidInput, match="1 or more of each"):
        world(2, 0, 0)
