from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from mnemon.bench.latent import run
from mnemon.bench.pool_training import recipe
from mnemon.bench.pool_training.facts import facts
from mnemon.bench.pool_training.pools import pools
from mnemon.bench.pool_training.recipe import PoolRecipe
from mnemon.bench.recall import text
from mnemon.cli.app import mnemon
from mnemon.models import recall_lm
from mnemon.weights import load_retriever


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_a_fact_and_its_question_name_the_same_thing_and_value() -> None:
    drawn = facts(np.random.default_rng(0), 50)
    for told, asked in zip(drawn.told.tolist(), drawn.asked.tolist(), strict=True):
        said, question = text(told[1:]), text(asked[1:])
        thing, _, value = said.removesuffix(" .").partition(" is ")
        assert question == f"Q : what is {thing} now ? A : {value} <eos>"
    assert len({tuple(row[1:4]) for row in drawn.told.tolist()}) == 50


def test_questions_are_about_facts_of_which_something_is_left() -> None:
    told = PoolRecipe(num_blocks=4, written=40, most=12, asked=40, growing=0.0)
    rng = np.random.default_rng(0)
    for step in range(20):
        drawn = pools(rng, told, step, layers=3)
        rows, each = drawn.about.shape
        count = len(drawn.told) // rows
        assert drawn.left.shape == (3, rows, min(told.size, count * told.num_tokens))
        assert len(drawn.asked) == rows * each
        for row in range(rows):
            left = set((drawn.left[:, row] // told.num_tokens).flatten().tolist())
            assert set(drawn.about[row].tolist()) <= left and count - 1 in left


def test_the_rates_rise_and_fall_and_pools_grow() -> None:
    told = PoolRecipe()
    rates = [told.factor(step, told.steps) for step in range(told.steps)]
    assert max(rates) == 1 and rates[0] < 0.1 and rates[-1] < 0.05
    assert told.facts(0) == told.fewest and told.facts(told.steps) == told.most


def test_the_section_has_every_control_and_the_law(tmp_path) -> None:
    found = run.run_latent(["pool"], brief=True).sections["pool"]
    tables = dict.fromkeys(row.table for row in found)
    assert len(tables) == 6
    law = [row.figures for row in found if "(1 - K/N)^t" in row.figures]
    assert law[0]["(1 - K/N)^t"] == law[0]["latents left"] == 1
    who = [row.at["who"] for row in found if "who" in row.at]
    assert {"trained, no memory", "base, no memory", "base, the fact in context"} <= set(who)
    attended = {row.figures["attended latents"] for row in found if "pool" in row.at}
    assert len(attended) == 1
    assert all(math.isfinite(one) for row in found for one in row.figures.values())


def test_a_device_that_is_not_there_is_refused(tmp_path) -> None:
    done = CliRunner().invoke(mnemon, ["bench", "train-pool", str(tmp_path), "--device", "nowhere"])
    assert done.exit_code != 0 and "take cpu" in done.output


@pytest.mark.parametrize("long", [False, True])
def test_the_command_writes_a_model_that_loads(tmp_path, monkeypatch, long) -> None:
    small = PoolRecipe(written=12, most=6, asked=8, num_blocks=4, num_ltm_blocks=1)
    monkeypatch.setattr(recipe, "LONG", replace(small, store_steps=4, bank=16, hidden=12))
    told = ["bench", "train-pool", str(tmp_path), "--steps", "1", *["--long"] * long]
    done = CliRunner().invoke(mnemon, told)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["steps"] == 2 + long and ("store_answers" in found) == long
    model, tokenizer = recall_lm.load(tmp_path)
    load_retriever(model, tmp_path)
    assert tokenizer("the").input_ids
