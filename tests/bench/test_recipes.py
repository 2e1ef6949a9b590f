"""The contract of the slot `bench.recipes`: the same tests over every system."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from mnemon import methods
from mnemon.bench.case import Case, line
from mnemon.bench.inputs import made, recipes_of
from mnemon.bench.recipes import Recipe, System
from mnemon.bench.recipes._plain import any_word, fill
from mnemon.errors import MissingExtra
from mnemon.models.embed.static import StaticEmbedder
from mnemon.models.extras import require

NAMES = methods.names("bench.recipes")
QUESTIONS = ["What colour is the bicycle?", "cat", 'AND "NEAR( * OR', "zyzzyva", "猫はどこ?", "¿?"]


class StandIn(ModuleType):
    """The library's interface without a network: the model itself would have to be fetched."""

    class SentenceTransformer:
        prompts: ClassVar[dict[str, str]] = {}

        def __init__(self, model: str, **given: object) -> None: ...

        def get_embedding_dimension(self) -> int:
            return StaticEmbedder().dimension

        def encode(self, said: list[str], **given: object) -> Any:
            return StaticEmbedder().embed(said)


@pytest.fixture(params=NAMES)
def recipe(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Recipe:
    options = {"model": "stand-in"} if request.param == "minilm" else {}
    made: Recipe = methods.load("bench.recipes", request.param, **options)
    if request.param == "minilm":
        monkeypatch.setitem(sys.modules, "sentence_transformers", StandIn)
    try:
        if made.needs:
            require(*made.needs)
    except MissingExtra as error:
        pytest.skip(str(error))
    return made


@pytest.fixture
def system(recipe: Recipe, case: Case) -> Iterator[System]:
    made = recipe.ingest(case.turns)
    yield made
    made.close()


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("k", [1, 3, 50])
def test_ranks_known_turns_once_and_at_most_k(
    system: System, case: Case, question: str, k: int
) -> None:
    ids = system.rank(question, k)
    assert len(ids) == len(set(ids)) <= k
    assert set(ids) <= {turn.id for turn in case.turns}
    assert ids == system.rank(question, k)


@pytest.mark.parametrize("question", QUESTIONS[:3])
@pytest.mark.parametrize("budget", [1, 12, 30, 1000])
def test_a_budget_holds_by_recount(system: System, case: Case, question: str, budget: int) -> None:
    ids = system.within(question, budget)
    lines = [line(turn) for turn in case.turns if turn.id in ids]
    assert len(lines) == len(ids) == len(set(ids))
    assert sum(StaticEmbedder().count_tokens(lines)) <= budget


def test_finds_what_shares_the_question_s_words(recipe: Recipe, case: Case) -> None:
    system = recipe.ingest(case.turns)
    first = system.rank("Who studies the ice of glaciers in Oslo?", 3)[:1]
    system.close()
    blind = methods.describe(recipe)["name"] in ("nothing", "full-context")
    assert blind or first == ["D1:6"]


@pytest.mark.parametrize("name", NAMES)
def test_settings_make_it_again_and_never_change(name: str) -> None:
    recipe = methods.load("bench.recipes", name)
    told = methods.describe(recipe)
    assert methods.load(told["slot"], told["name"], **told["options"]) == recipe
    assert told["slot"] == "bench.recipes" and told["name"] == name
    for option in told["options"]:
        with pytest.raises(FrozenInstanceError):
            setattr(recipe, option, None)


def test_full_context_keeps_the_latest_turns(case: Case) -> None:
    system = methods.load("bench.recipes", "full-context").ingest(case.turns)
    assert system.rank("anything", 2) == ["D1:1", "D1:2"]
    assert set(system.within("anything", 25)) == {"D1:5", "D1:6"}


def test_filling_passes_over_what_is_too_long() -> None:
    assert fill(["a", "b", "c"], {"a": 5, "b": 9, "c": 3}, 8) == ["a", "c"]


def test_a_question_is_no_full_text_syntax() -> None:
    assert any_word('Ana AND "Ben"? ana') == '"ana" OR "and" OR "ben"'


def test_no_conversation_is_ranked_by_a_network_that_was_fitted_on_it() -> None:
    from mnemon.bench.recipes.mnemon import Mnemon
    from mnemon.text.rerank import listnet

    for case in sorted(listnet.load(listnet.file("static")).fitted_on):
        weights = Mnemon().unseen(case).weights
        assert weights is not None
        assert case not in listnet.load(Path(weights)).fitted_on
    assert Mnemon().unseen("a conversation of somebody else") == Mnemon()


def test_a_model_that_is_not_here_is_fetched_only_for_who_names_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", StandIn)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    chosen, skipped = recipes_of(None)
    assert "minilm" not in chosen
    assert skipped["minilm"].endswith("is not on this machine: `--systems minilm` fetches it")
    assert "minilm" in recipes_of(["minilm"])[0]
    assert made(f"minilm:model={tmp_path}").at_hand()
