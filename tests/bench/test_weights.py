from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import torch
from click.testing import CliRunner

from mnemon.bench.weights import facts, report, run
from mnemon.cli.app import mnemon
from mnemon.errors import InvalidInput


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_the_command_recalls_forgets_and_says_so(tmp_path) -> None:
    told = [
        "--facts",
        "6",
        "--forget",
        "1",
        "--probes",
        "1",
        "--swaps",
        "50",
        "--nano",
        "--out",
        str(tmp_path),
    ]
    done = CliRunner().invoke(mnemon, ["bench", "weights", "--json", *told])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["recall"] == 1 and found["kept_recall"] == 1 and found["general_delta"] == 0
    assert found["chance"] == found["forgotten_recall"] == found["wrong_document"] == 0
    assert found["forgotten_nll_before"] < 0.1 < found["forgotten_nll_after"]
    assert found["retrained_same_as_never_saw"] == 1
    assert found["forget_time_ratio"] > 0 and found["origin"]["machine"]["cores"] > 0
    assert "| facts answered by weights alone | recall |" in (tmp_path / "report.md").read_text()


def test_facts_are_the_same_for_a_seed_and_all_subjects_differ() -> None:
    told, strangers = facts.facts(50, 3)
    assert (told, strangers) == facts.facts(50, 3) != facts.facts(50, 4)
    assert len({one.subject for one in [*told, *strangers]}) == 100


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(InvalidInput, match="cannot be forgotten"):
        run.run_weights(5, 5)
    with pytest.raises(InvalidInput, match="words for 1 to"):
        facts.facts(5000, 0)


def test_every_row_of_the_report_has_words_of_its_own() -> None:
    assert len(set(report._SAID.values())) == len(report._SAID)
