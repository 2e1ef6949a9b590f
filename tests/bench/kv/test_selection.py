from __future__ import annotations

import pytest

from mnemon.bench.kv.cells import grid
from mnemon.bench.kv.policies import Chosen, select
from mnemon.errors import InvalidInput, UnknownName


def test_the_table_has_only_what_is_here() -> None:
    found = select("table")
    names = [one.text for one in found.policies]
    assert {"recency", "snapkv"} <= set(names) and found.unknown == ()
    assert Chosen("kivi(bits=4)", ("0.99",)) in found.policies


def test_policies_may_have_budgets_of_their_own_and_commas_inside() -> None:
    found = select("snapkv(window_size=16, kernel_size=3)@0.5/64, recency")
    assert found.policies == (
        Chosen("snapkv(window_size=16, kernel_size=3)", ("0.5", "64")),
        Chosen("recency"),
    )


def test_an_unknown_option_is_an_error_and_not_an_unknown_policy() -> None:
    with pytest.raises(UnknownName, match="window_seize"):
        select("recency,snapkv(window_seize=16)")


def test_nothing_known_is_an_error_that_tells_what_is_near() -> None:
    with pytest.raises(UnknownName, match="snapkv"):
        select("snapvk")
    with pytest.raises(InvalidInput, match="no policy"):
        select(" , ")


def test_tasks_of_one_question_are_not_asked_several() -> None:
    def tasks(regime: str) -> set[str]:
        names = ["niah_single", "fact", "kv", "cwe", "vt"]
        cells = grid(names, [regime], [512], [Chosen("recency")], ["0.5"], 1, 256, 0, ())
        return {cell.task for cell in cells}

    assert tasks("agnostic") == {"niah_single", "fact", "kv", "cwe", "vt"}
    assert tasks("shared") == tasks("turns") == {"fact", "kv", "vt"}
    assert tasks("decode") == {"fact", "kv"} and tasks("perplexity") == {"plain"}


def test_nothing_to_measure_is_an_error() -> None:
    with pytest.raises(InvalidInput, match="cwe"):
        grid(["cwe"], ["turns"], [512], [], ["0.5"], 1, 0, 0, ())
    with pytest.raises(UnknownName, match="no recall task"):
        grid(["needle"], ["turns"], [512], [], ["0.5"], 1, 0, 0, ())
