"""Mnemon under measurement: upkeep done, records counted for what they quote, parts switched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mnemon import Draft, methods
from mnemon.bench.case import Case, Turn
from mnemon.bench.recipes import mnemon as recipe
from mnemon.bench.recipes._cosine import untuned
from mnemon.bench.recipes.mnemon import Mnemon, changed
from mnemon.embedding import DEFAULT
from mnemon.errors import InvalidInput, UnknownName
from mnemon.models import cross_encoder, static_model
from mnemon.models.embed.static import StaticEmbedder
from mnemon.text.rerank import listnet


def turns(*said: str) -> list[Turn]:
    return [
        Turn(f"D1:{n}", Draft(text, speaker="Ana", session="s", key=f"k{n}", at="2024-05-01"))
        for n, text in enumerate(said, start=1)
    ]


def test_upkeep_is_done_before_anything_is_asked(case: Case) -> None:
    system = Mnemon(program="engram").ingest(case.turns)
    assert system.memory.count(kind=("episodic", "semantic", "procedural")) > 0
    assert system.memory.reflect() == 0
    system.close()


def test_a_record_stands_for_what_it_quotes_of_its_sources() -> None:
    system = Mnemon().ingest(
        turns("The grey cat caught trout. It sleeps.", "The dog is old.", "A bird.")
    )
    cubes = system.memory.list()
    (draft,) = methods.load("text.extract", "centroid", most=2).extract(cubes)
    summary = system.memory.add(draft)
    quoted = [n for n, cube in enumerate(cubes, start=1) if cube.content in summary.content]
    assert system._stands_for(summary) == [f"D1:{n}" for n in quoted] and len(quoted) == 2
    (event,) = methods.load("text.extract", "events").extract(cubes[:1])
    assert system._stands_for(system.memory.add(event)) == ["D1:1"]
    words = Draft("cat, dog, bird", kind="keywords", spans=draft.spans)
    assert system._stands_for(system.memory.add(words)) == []
    system.close()


def test_a_summary_of_summaries_stands_for_the_turns_it_quotes() -> None:
    said = [f"I catalogued {n} fossil ferns in quarry {n}." for n in range(120)]
    system = Mnemon(program="hema").ingest(turns(*said))
    (gist,) = system.memory.list(kind="gist")
    ids = system._stands_for(gist)
    assert ids == [f"D1:{n}" for n, text in enumerate(said, 1) if text in gist.content]
    assert ids and system.rank("anything", 50)[: len(ids)] == ids
    system.close()


def test_parts_of_a_program_can_be_switched_by_name() -> None:
    change = "granularities.router=uniform+granularities.damping=0+rrf.k=8"
    program: Any = changed(methods.load("text.programs", "memgas"), change)
    assert program.channels[0][2] == {"router": "uniform", "damping": 0}
    assert program.fusion == ("rrf", {"k": 8})
    default: Any = changed(methods.load("text.programs", "default"), "setrank.depth=9")
    assert default.rerank[1]["depth"] == 9
    assert changed(default, "") == default


def test_a_change_that_cannot_be_made_is_told(case: Case) -> None:
    with pytest.raises(InvalidInput, match=r"method\.option=value"):
        Mnemon(change="words").ingest(case.turns)
    with pytest.raises(InvalidInput, match="no method 'granularities'"):
        Mnemon(change="granularities.damping=0").ingest(case.turns)
    system = Mnemon(change="words.k9=1").ingest(case.turns)
    with pytest.raises(UnknownName, match="k9"):
        system.rank("anything", 5)
    system.close()


def test_a_conversation_gets_the_embedder_and_ranker_that_never_saw_it() -> None:
    system = Mnemon().unseen("conv-26")
    assert system.weights is not None and system.tuning is not None
    assert "conv-26" not in listnet.load(Path(system.weights)).fitted_on
    assert Path(system.weights).stem[-1] == Path(system.tuning).stem[-1]
    assert system.embedding().revision != Mnemon().embedding().revision
    read = Mnemon(program="cross-encoded", embedder="minilm", base="/models/minilm").unseen(
        "conv-26"
    )
    assert "conv-26" not in cross_encoder.told(Path(str(read.reading)))["fitted_on"]
    mine = Mnemon(weights="mine.json").unseen("conv-26")
    assert (mine.weights, mine.tuning) == ("mine.json", system.tuning)
    assert Mnemon(tuning="").unseen("conv-26").embedding() == untuned(DEFAULT)
    assert Mnemon().unseen("a conversation of the user's own") == Mnemon()


def test_adapters_that_an_installation_lacks_are_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(recipe, "_FOLDS", tmp_path)
    with pytest.raises(InvalidInput, match=r"context-0 is not in this installation.* a clone"):
        Mnemon().of_fold(0)


def test_rivals_get_the_embedder_as_it_was_before_it_learned_of_recall() -> None:
    plain = untuned("static")
    assert plain.revision == StaticEmbedder(folder=str(static_model.BUNDLED)).revision
    assert plain.revision != StaticEmbedder().revision
