from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mnemon.bench import regimes
from mnemon.bench.recipes.mnemon import Remembered
from mnemon.store import scope


@pytest.fixture
def data(locomo: Callable[..., Path], asked: Any) -> Path:
    own = [asked("What colour is Ben's bicycle?", "D1:4"), asked("Where is the ice?", "D1:6")]
    return locomo(own, own)


@pytest.mark.parametrize("together", [False, True])
def test_the_same_questions_are_asked_on_both_sides(data: Path, together: bool) -> None:
    found = regimes.run_regimes(data, program="fused", together=together)
    searched = found.sides[:3]
    assert [dict(one.regimes) for one in searched] == [
        {"whole": 4}, {"chosen": 4}, {"candidates": 4},
    ]  # fmt: skip
    assert {one.recall for one in searched} == {1.0}
    assert all(f"| {one.name} |" in regimes.render(found) for one in found.sides)


def test_a_budget_that_just_fits_gives_everything(data: Path) -> None:
    fits, less = regimes.run_regimes(data, program="fused").sides[3:]
    assert dict(fits.regimes) == {regimes.GIVEN: 4} and regimes.GIVEN not in less.regimes
    assert fits.recall == 1.0 and fits.tokens is not None
    assert less.tokens is not None and less.tokens < fits.tokens


def test_limits_are_put_back_whatever_happens() -> None:
    before = scope.LIMIT, scope.FEW
    with pytest.raises(RuntimeError), regimes.limits(5, 3):
        assert (scope.LIMIT, scope.FEW) == (5, 3)
        raise RuntimeError
    assert before == (scope.LIMIT, scope.FEW)


@pytest.mark.parametrize("size", [1, 2, 137, 4096])
def test_the_budget_that_just_fits_is_found(size: int) -> None:
    def recall(question: str, budget: int) -> SimpleNamespace:
        return SimpleNamespace(trace={"regime": "everything" if budget >= size else "whole"})

    system = cast(Remembered, SimpleNamespace(memory=SimpleNamespace(recall=recall)))
    assert regimes.just_fits(system, "?") == size


def test_no_budget_fits_where_nothing_gives_everything() -> None:
    told = SimpleNamespace(trace={"regime": "whole"})
    memory = SimpleNamespace(recall=lambda question, budget: told)
    assert regimes.just_fits(cast(Remembered, SimpleNamespace(memory=memory)), "?") is None
