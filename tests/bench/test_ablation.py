from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mnemon import methods
from mnemon.bench import ablation_report, fivefold
from mnemon.bench.ablation import UNRANKED, WHOLE, run_ablation
from mnemon.bench.case import Case
from mnemon.bench.labelled import labelled, recalls
from mnemon.bench.learning import Labelled
from mnemon.bench.parts import GROUPS, PARTS
from mnemon.bench.recipes.mnemon import changed
from mnemon.errors import InvalidInput
from mnemon.text.signals import NAMES


@pytest.fixture
def data(locomo: Callable[..., Path], asked: Any) -> Path:
    own = [asked("What colour is Ben's bicycle?", "D1:4"), asked("Where is the ice?", "D1:6")]
    return locomo(own, own)


def test_every_signal_is_in_one_group() -> None:
    assert Counter(name for group in GROUPS.values() for name in group) == Counter(NAMES)


def test_a_row_for_every_part_compared_with_everything_alone_or_at_once(data: Path) -> None:
    found = run_ablation(data, networks=1)
    assert run_ablation(data, networks=1, jobs=2).rows == found.rows
    named = [one.name for one in found.rows]
    assert named[:2] == [WHOLE, UNRANKED]
    assert len(named) == len(set(named)) == 2 + len(PARTS) + len(GROUPS)
    whole = found.rows[0]
    for one in found.rows:
        assert one.difference == pytest.approx(one.recall - whole.recall)
        assert (one.interval is None) == (one is whole)
    # Six turns, ten hits: whatever is a candidate is found.
    assert whole.recall == found.rows[1].recall == 1.0
    text = ablation_report.render(found)
    assert all(f"| {name} |" in text for name in named)


def test_a_channel_that_is_off_brings_no_candidate(case: Case) -> None:
    program = methods.load("text.programs", "default")
    place = NAMES.index("words_best")
    on = labelled(case, program, "static")
    off = labelled(case, changed(program, PARTS["without words"]), "static")
    assert max(one.signals[:, place].max() for one in on) == 1.0
    assert all(not one.signals[:, place].any() for one in off)
    alone = changed(changed(program, PARTS["without words"]), PARTS["without meaning"])
    assert all(len(one.holds) == 0 for one in labelled(case, alone, "static"))


def test_recall_counts_evidence_that_was_no_candidate(case: Case) -> None:
    nothing = Labelled(np.zeros((3, 1), np.float32), np.zeros(3, bool))
    half = Labelled(np.zeros((3, 1), np.float32), np.array([False, False, True]))
    assert recalls(case, [nothing, half], None, 2) == [0.0, 0.0]
    assert recalls(case, [nothing, half], [np.zeros(3), np.array([0.0, 1.0, 2.0])], 1) == [0.0, 0.5]


def test_no_fold_is_fitted_on_what_it_scores() -> None:
    draw = np.random.default_rng(0)
    lists = {
        f"c{n}": [Labelled(draw.random((6, 3), np.float32), np.arange(6) == n % 6)]
        for n in range(7)
    }
    lists["also"] = lists["c0"]
    folds = fivefold.assign([[f"c{n}" for n in range(7)]])
    fitted = fivefold.fit(lists, folds, (0,))
    assert len(fitted) == 5
    for case, fold in folds.items():
        assert case not in fitted[fold].fitted_on and "also" in fitted[fold].fitted_on
    scores = fivefold.held_out(lists, folds, fitted)
    assert set(scores) == set(folds) and scores["c1"][0].shape == (6,)


def test_what_cannot_be_compared_is_refused(
    data: Path, locomo: Callable[..., Path], asked: Any
) -> None:
    with pytest.raises(InvalidInput, match="leave it out"):
        run_ablation(data, also=data)
    with pytest.raises(InvalidInput, match="two or more"):
        run_ablation(locomo([asked("bike?", "D1:4")]))
