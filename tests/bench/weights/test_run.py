from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from mnemon.bench.bases import Base
from mnemon.bench.recall import BOS, ids
from mnemon.bench.weights import facts, report, run
from mnemon.cli.app import mnemon
from mnemon.errors import InvalidInput, UnknownName


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
        "--model",
        "nano",
        "--sections",
        "lifecycle",
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


def test_a_model_that_learns_nothing_is_not_asked() -> None:
    with pytest.raises(InvalidInput, match=r"no adapter of 2 learnt its facts \(the best: \d"):
        run.run_weights(4, 1, sections=["lifecycle"], base=Base("llama-mini"), steps=2)


def test_facts_are_the_same_for_a_seed_and_all_subjects_differ() -> None:
    told, strangers = facts.facts(50, 3)
    assert (told, strangers) == facts.facts(50, 3) != facts.facts(50, 4)
    assert len({one.subject for one in [*told, *strangers]}) == 100


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(InvalidInput, match="cannot be forgotten"):
        run.run_weights(5, 5)
    with pytest.raises(UnknownName, match="there are lifecycle, settings"):
        run.run_weights(sections=["taste"])
    with pytest.raises(InvalidInput, match="leave out the sections edits"):
        run.run_weights(method="other")
    with pytest.raises(InvalidInput, match="no section"):
        run.run_weights(sections=[])
    with pytest.raises(InvalidInput, match="words for 1 to"):
        facts.facts(5000, 0)


def test_other_sections_stand_under_their_names_with_tables_and_a_picture(
    small, stages, tmp_path
) -> None:
    assert set(small.figures) == {"settings", "edits", "retention", "conflict"}
    assert stages == [(done, 4) for done in range(5)]
    files = report.save(small, tmp_path)
    assert [one.name for one in files] == ["record.json", "report.md", "retention.svg"]
    told = files[1].read_text()
    assert all(f"## {title}" in told for title, _ in report.all_tables(small))
    assert json.loads(files[0].read_text())["context"]["cpu_seconds"].keys() == small.figures.keys()


def test_every_row_of_the_report_has_words_of_its_own() -> None:
    assert len(set(report._SAID.values())) == len(report._SAID)


def test_no_trained_phrasing_is_one_that_is_asked_in_other_words(bench) -> None:
    told, _ = facts.facts(6, 0)
    trained = {pair.prompt for each in replace(bench, phrasings=3).pairs(told) for pair in each}
    assert len(trained) == 4 * len(told)
    assert trained.isdisjoint({(BOS, *ids(one.paraphrase)) for one in told})
    assert {(BOS, *ids(one.question)) for one in told} <= trained
