from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from mnemon.bench import large, scale, synthetic
from mnemon.bench.scale import run_speed
from mnemon.cli.commands.bench import command
from mnemon.errors import InvalidInput


def test_synthetic_turns_are_distinct_and_repeat_under_their_seed() -> None:
    turns = synthetic.turns(500, 0)
    assert len({turn.content for turn in turns}) == 500
    assert turns == synthetic.turns(500, 0)
    assert turns != synthetic.turns(500, 1)
    assert all(turn.at for turn in turns)


def test_questions_are_distinct() -> None:
    asked = synthetic.questions(220, 0)
    assert len(set(asked)) == 220
    assert asked == synthetic.questions(220, 0)


def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large, "_REAL", 2000)
    monkeypatch.setattr(large, "_SPACES_ASKED", 20)
    for name in ("_SINGLE", "_QUERIES", "_WARM", "_REPEATS", "_BATCH_REPEATS", "_ROUNDS"):
        monkeypatch.setattr(scale, name, 1)


def test_importing_the_bench_is_cheap() -> None:
    heavy = ("numpy", "matplotlib", "rich")
    code = f"import sys, mnemon.bench; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_approximate_search_is_compared_with_exact(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mnemon.store import scope

    monkeypatch.setattr(scope, "LIMIT", 100)
    path = tmp_path / "store.db"
    assert large.filled(path, 300, 0).value > 0
    assert large.filled(path, 300, 0).count == 0  # it is kept
    shares = large.against_exact(path, 300, synthetic.questions(10, 0))
    assert [share.name.endswith("before the ranker") for share in shares] == [False, True]
    assert all(share.value >= 0.97 for share in shares)
    told = {one.name: one.value for one in large.footprint(path, 300, ["Where is it?"])}
    assert told["on disk, index included"] > 300
    assert "index made in the background" in told
    assert scope.LIMIT == 100


def test_the_command_measures_every_value_and_keeps_stores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(monkeypatch)
    monkeypatch.setattr(scale, "_LARGE", 30)
    kept, out = tmp_path / "kept", tmp_path / "out"
    kept.mkdir()
    asked = ["speed", "--sizes", "40", "--namespaces", "2", "--vectors", "900", "--json"]
    done = CliRunner().invoke(command, [*asked, "--folder", str(kept), "--out", str(out)])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    values = {one["name"]: one["value"] for one in told["values"]}
    wanted = {
        "add in batches, with embeddings",
        "add one, durable, p95",
        "search, k 10, p50",
        "recall, 1000 tokens, p50",
        "resident memory after 50 searches",
        "first answer, fresh process with imports",
        "import mnemon",
        "nearest 1,000 of vectors only, p50",
        "search one of 2 namespaces of 20, first, p50",
    }
    assert wanted <= values.keys() and all(values[name] > 0 for name in wanted)
    assert "mnemon search, cold shell" in values or told["notes"]
    assert "--namespaces 2 --vectors 900" in told["command"]
    assert (kept / "40.db").exists() and (kept / "2x20.db").exists()
    saved = json.loads((out / "speed.json").read_text())
    assert saved["machine"]["cores"] >= 1 and saved["values"] == told["values"]
    speed = scale.Speed(**{**told, "values": [scale.Value(**one) for one in told["values"]]})
    assert all(name in scale.render(speed) for name in values)
    (point,) = told["latency"]
    assert point["cubes"] == 40 and {"first p50", "again p95", "recall p50"} < point.keys()


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="make it"):
        run_speed((40,), folder=tmp_path / "nowhere")


def test_namespaces_and_vectors_are_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick(monkeypatch)
    told = large.many_namespaces(tmp_path, 3, 4)
    assert [one.size for one in told] == [4] * 5 + [12] * 5
    values = {one.name: one.value for one in large.vectors_only(2000)}
    assert values["recall@10 of vectors only"] >= 0.97
    assert values["index and vectors"] < 400
