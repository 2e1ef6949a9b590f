from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner

from mnemon import methods
from mnemon.bench import abstention_report, report
from mnemon.bench.abstention import ADVERSARIAL, MOVED, RENAMED, run_abstention
from mnemon.bench.case import Case, Turn
from mnemon.bench.recipes import Confident
from mnemon.bench.recipes._plain import Scored, costs
from mnemon.cli.app import mnemon
from mnemon.errors import InvalidInput


@dataclass(frozen=True)
class Sure:
    """Sure of questions with a word in `of`, and raises on those with one in `fails`."""

    of: str = "bicycle"
    fails: str = "never"

    needs: ClassVar[tuple[str, ...]] = ()

    def ingest(self, turns: Sequence[Turn]) -> Scored:
        def top(question: str) -> float:
            if self.fails in question:
                raise RuntimeError("disk on fire")
            return float(self.of in question)

        return Scored(costs(turns), lambda question, k: [], top=top)


@pytest.fixture
def data(locomo: Callable[..., Path], asked: Any) -> Path:
    own = [asked("What colour is the bicycle?", "D1:4"), asked("Cat's name?", "D1:3", category=5)]
    return locomo(own, own)


def test_adversarial_questions_stand_against_the_others(data: Path) -> None:
    (found,) = run_abstention(data, [Sure("bicycle")]).systems
    assert found.kinds[ADVERSARIAL].auroc == 1.0
    # The very same questions are asked of the other conversation: no score can tell them.
    assert found.kinds[MOVED].auroc == 0.5
    assert found.kinds[MOVED].answerable == found.kinds[MOVED].never == 2


def test_what_fails_is_told_and_scores_nothing(data: Path) -> None:
    record = run_abstention(data, [Sure("bicycle", fails="Cat")])
    (found,) = record.systems
    assert [one.question for one in found.failures] == ["conv-1:1", "conv-2:1"]
    assert "failed on conv-1:1: adversarial: RuntimeError" in abstention_report.render(record)
    (all_failed,) = run_abstention(data, [Sure("bicycle", fails="bicycle")]).systems
    assert all_failed.kinds[ADVERSARIAL].auroc == 0.5


def test_probabilities_are_compared_with_what_hits_hold(data: Path) -> None:
    (found,) = run_abstention(data, ["mnemon:program=fused"]).systems
    shown = found.calibrations["the first 10 hits"]
    assert shown.count == sum(one.count for one in shown.bins) > 2
    assert found.calibrations["the first hit"].count == 2
    assert sum(one.count * (one.share or 0.0) for one in shown.bins) == pytest.approx(2)


def test_a_system_without_scores_is_left_out_or_refused(data: Path) -> None:
    everything = run_abstention(data)
    assert everything.skipped["nothing"] == "its hits have no scores"
    assert {"mnemon(program=fused)", "vectors"} <= {one.name for one in everything.systems}
    with pytest.raises(InvalidInput, match="nothing has no scores"):
        run_abstention(data, ["nothing"])


def test_one_plain_conversation_has_nothing_to_tell_apart(
    locomo: Callable[..., Path], asked: Any
) -> None:
    with pytest.raises(InvalidInput, match="give two or more"):
        run_abstention(locomo([asked("bike?", "D1:4")]), ["vectors"])


def test_the_limit_is_for_each_conversation(data: Path) -> None:
    record = run_abstention(data, ["vectors"], limit=1)
    assert record.counts["questions"] == 2
    assert "--limit 1" in record.origin.command
    assert list(record.systems[0].kinds) == [MOVED, RENAMED]


def test_the_command_saves_and_prints(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = CliRunner().invoke(
        mnemon, ["bench", "abstention", "--data", str(data), "--systems", "vectors", "--out",
                 str(out)], standalone_mode=False,
    )  # fmt: skip
    assert done.exception is None
    told = json.loads((out / report.RECORD).read_text())
    assert told["systems"][0]["kinds"]["adversarial"]["never"] == 2
    assert (out / "report.md").read_text() in done.output
    assert str(data.parent) not in json.dumps(told), "no path of this machine"


@pytest.mark.parametrize("name", ["mnemon", "bm25", "fts5-vectors", "vectors"])
def test_a_question_about_what_was_said_is_surer(name: str, case: Case) -> None:
    system = methods.load("bench.recipes", name).ingest(case.turns)
    assert isinstance(system, Confident)
    near = system.confidence("Who bought a red bicycle on Monday?")
    assert near > system.confidence("zyzzyva") >= -1.0
    assert near == system.confidence("Who bought a red bicycle on Monday?")
    system.close()
