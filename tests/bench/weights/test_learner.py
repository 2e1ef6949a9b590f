from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mnemon import methods
from mnemon.bench.weights import plan
from mnemon.bench.weights.asking import judged_ids
from mnemon.bench.weights.exposing import FOILS, RECALLS, asked, marks
from mnemon.bench.weights.facts import facts
from mnemon.bench.weights.learner import Learner
from mnemon.errors import InvalidInput


def test_it_learns_as_the_method_does(bench) -> None:
    few = replace(bench, options={"steps": 4, "until": 0.0})
    pairs = [pair for each in bench.pairs(facts(2, 0)[0]) for pair in each]
    (written,) = methods.load("weights.write", "lora", **few.options).write(few.model, [pairs])
    sizes = [len(pair.target) for pair in pairs]
    with Learner(few) as learner:
        rows, losses = learner.rows([pairs]), []
        updates = learner.learn(
            rows,
            lambda: losses.append(np.average([o.nll for o in learner.judged(rows)], weights=sizes)),
        )
    assert updates == written.figures["steps"] == len(losses) == 4
    # It begins with A to the digits of float16.
    assert losses[-1] == pytest.approx(written.figures["loss"], rel=0.02)
    assert losses[-1] < losses[0] * 0.8


def test_rows_are_judged_as_one_by_one(bench) -> None:
    told, strangers = facts(3, 1)
    pairs = [p for one in told for p in asked(one, strangers, _rng())]
    with Learner(bench) as learner:
        found = learner.judged(learner.rows([pairs]))
        alone = [judged_ids(bench.model, *pair) for pair in pairs]
    assert [one.exact for one in found] == [one.exact for one in alone]
    assert [one.nll for one in found] == pytest.approx([one.nll for one in alone], abs=1e-3)


def test_shards_side_by_side_learn_as_each_alone(bench) -> None:
    told = facts(2, 2)[0]
    shards = [list(each) for each in bench.pairs(told)]
    with Learner(bench, 2) as learner:
        rows = learner.rows(shards)
        learner.learn(rows)
        assert all(one.exact for one in learner.judged(rows))
    with Learner(bench) as learner:
        learner.learn(learner.rows(shards[:1]))
        assert not all(one.exact for one in learner.judged(learner.rows(shards[1:])))


def test_the_model_is_as_it_was_afterwards(bench) -> None:
    before = {name for name, _ in bench.model.named_buffers()}
    with Learner(bench):
        pass
    assert {name for name, _ in bench.model.named_buffers()} == before


def test_a_method_without_single_updates_is_refused(bench) -> None:
    other = plan.Bench(bench.model, bench.tokenizer, method="other")
    with pytest.raises(InvalidInput, match="an update at a time"):
        Learner(other)


def test_foils_differ_from_what_was_told_as_their_names_say() -> None:
    told, strangers = facts(6, 3)
    for one in told:
        rows = asked(one, strangers, _rng())
        assert len(rows) == len(RECALLS) + 1 + len(FOILS)
        seen, near, value, subject, other = [row.target for row in rows[len(RECALLS) :]]
        assert len({len(row) for row in (seen, near, value, subject, other)}) == 1
        differing = [
            sum(a != b for a, b in zip(seen, foil, strict=True)) for foil in (near, subject)
        ]
        assert differing == [1, 1] and value[:4] == seen[:4] and other != seen


def test_what_was_learnt_is_recognized_and_recalled(bench) -> None:
    told, strangers = facts(2, 4)
    with Learner(bench) as learner:
        rows = learner.rows([[p for one in told for p in asked(one, strangers, _rng())]])
        before = marks(learner.judged(rows))
        learner.learn(learner.rows([[p for each in bench.pairs(told) for p in each]]))
        after = marks(learner.judged(rows))
    assert before["recall"] == 0 and after["recall"] == after["completion"] == 1
    assert after["recognition_value"] == after["recognition_near"] == 1
    assert after["nll"] < 0.1 < before["nll"]


def _rng() -> np.random.Generator:
    return np.random.default_rng(0)
