"""One contract for every text method: found by name, frozen, deterministic, honest."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from mnemon import Document, Draft, Memory, methods
from mnemon.errors import InvalidInput
from mnemon.store.rows import Filter
from mnemon.store.view import View
from mnemon.text.query import Query, Ranking
from mnemon.text.retrieve import Expand

SLOTS = [slot for slot in methods.slots() if slot.startswith("text.")]
METHODS = [(slot, name) for slot in SLOTS for name in methods.names(slot)]
CHANNELS = methods.names("text.retrieve")
BEFORE = ("words", "meaning")
# These rank by what a cube stands beside, is linked with, or how new it is: see their own tests.
NOT_BY_CONTENT = {"neighbours", "association", "recency"}
TURNS = [
    {"speaker": "Ana", "content": "I adopted a grey cat called Miso."},
    {"speaker": "Ben", "content": "Does it get along with your dog?"},
    {"speaker": "Ana", "content": "They sleep on the same pillow."},
    {"speaker": "Ben", "content": "My flight to Oslo leaves on Friday."},
]


@pytest.fixture
def memory() -> Any:
    with Memory(":memory:") as memory:
        memory.add(TURNS, session="s1")
        yield memory


def look(memory: Memory, text: str, **chosen: Any) -> tuple[View, Query]:
    """What the channels of a memory are given for a question."""
    return memory._searcher.look(text, Filter(memory.namespace, **chosen))


def answer(name: str, view: View, query: Query, **options: Any) -> Ranking:
    """What a channel answers, after `words` and `meaning` where it starts from others."""
    channel = methods.load("text.retrieve", name, **options)
    if not isinstance(channel, Expand):
        return channel.retrieve(view, query)
    return channel.expand(view, query, {one: answer(one, view, query) for one in BEFORE})


@pytest.mark.parametrize(("slot", "name"), METHODS)
def test_a_method_is_frozen_and_its_settings_survive_json(slot: str, name: str) -> None:
    method = methods.load(slot, name)
    told = json.loads(json.dumps(methods.describe(method)))
    assert (told["slot"], told["name"]) == (slot, name)
    with pytest.raises(dataclasses.FrozenInstanceError):
        method.anything = 1


@pytest.mark.parametrize("name", CHANNELS)
def test_a_channel_ranks_eligible_cubes_best_first_and_the_same_twice(
    memory: Memory, name: str
) -> None:
    view, query = look(memory, "cat pillow", speaker="Ana")
    first, second = (answer(name, view, query) for _ in range(2))
    assert first.indices.tolist() == second.indices.tolist()
    assert set(first.indices.tolist()) <= {0, 2}
    assert first.scores.tolist() == sorted(first.scores.tolist(), reverse=True)


@pytest.mark.parametrize("name", sorted(set(CHANNELS) - NOT_BY_CONTENT))
def test_a_channel_finds_the_cube_that_says_it(memory: Memory, name: str) -> None:
    view, query = look(memory, "the flight to Oslo on Friday")
    assert answer(name, view, query).indices[0] == 3


@pytest.mark.parametrize("name", CHANNELS)
def test_a_channel_that_explains_tells_something_of_every_cube(memory: Memory, name: str) -> None:
    view, query = look(memory, "the flight of Ben's cat to Oslo today")
    ranking = answer(name, view, query)
    if ranking.why is not None:
        told = ranking.why(ranking.indices.tolist())
        assert len(told) == len(ranking.indices) > 0
        assert all(told)


def test_a_channel_that_starts_from_others_needs_one_of_them(memory: Memory) -> None:
    view, query = look(memory, "cat")
    with pytest.raises(InvalidInput, match="before it in the program"):
        methods.load("text.retrieve", "neighbours").expand(view, query, {})


@pytest.mark.parametrize("name", CHANNELS)
def test_a_channel_of_an_empty_namespace_finds_nothing(name: str) -> None:
    with Memory(":memory:") as memory:
        view, query = look(memory, "anything at all")
        assert len(answer(name, view, query).indices) == 0


@pytest.mark.parametrize("name", CHANNELS)
def test_a_channel_returns_no_more_than_it_may(memory: Memory, name: str) -> None:
    view, query = look(memory, "cat dog flight pillow today")
    assert len(answer(name, view, query, most=2).indices) == 2


def test_words_find_a_turn_by_the_turn_it_replies_to(memory: Memory) -> None:
    view, query = look(memory, "dog")
    found = methods.load("text.retrieve", "words").retrieve(view, query)
    assert 2 in found.indices.tolist()
    alone = methods.load("text.retrieve", "words", following=(), preceding=())
    assert alone.retrieve(view, query).indices.tolist() == [1]


def test_words_prefer_the_turns_of_whom_the_question_names() -> None:
    with Memory(":memory:") as memory:
        memory.add("I love the sea.", speaker="Ben", session="a")
        memory.add("I love the sea too, so much.", speaker="Ana", session="b")
        view, query = look(memory, "Does Ana love the sea?")
        assert methods.load("text.retrieve", "words").retrieve(view, query).indices[0] == 1


@pytest.mark.parametrize("name", methods.names("text.fuse"))
def test_a_fusion_scores_in_zero_to_one_and_likes_agreement(memory: Memory, name: str) -> None:
    view, query = look(memory, "grey cat")
    rankings = [answer(one, view, query) for one in ("words", "meaning", "time", "recency")]
    fused = methods.load("text.fuse", name).fuse(rankings, [1.0, 1.0, 1.0, 0.1])
    assert fused.indices[0] == 0
    assert all(0.0 <= score <= 1.0 for score in fused.scores.tolist())
    assert set(fused.indices.tolist()) == {int(i) for r in rankings for i in r.indices}


def test_passages_joined_are_the_document() -> None:
    text = " " * 5000 + "One. " * 400 + "\n" * 4000 + "Two words. " * 300 + "x" * 3000 + "\n" * 9
    whole, *parts = methods.load("text.represent", "passages").represent(Document(text))
    assert "".join(part.content for part in parts) == text
    assert all(len(part.content.strip()) <= 1200 and part.links for part in parts)
    assert whole.kind == "document"


def test_turns_are_kept_verbatim() -> None:
    drafts = [Draft("  odd   spacing\n"), Draft("second")]
    assert list(methods.load("text.represent", "turns").represent(drafts)) == drafts


def test_a_summary_cites_its_sources_and_invents_nothing(memory: Memory) -> None:
    cubes = memory.list()
    (draft,) = methods.load("text.extract", "centroid", most=2).extract(cubes)
    assert [span.cube for span in draft.spans] == [cube.id for cube in cubes]
    said = {f"{cube.speaker}: {cube.content}" for cube in cubes}
    assert set(draft.content.splitlines()) <= said and draft.kind == "summary"


def test_expire_proposes_what_outlived_its_retention(memory: Memory) -> None:
    from datetime import UTC, datetime

    from mnemon import Policy

    past = datetime(2020, 1, 1, tzinfo=UTC)
    old = memory.add(Draft("a parking code", policy=Policy(retain_until=past)))
    expire = methods.load("text.maintain", "expire")
    (edit,) = expire.maintain(memory, memory.namespace, datetime.now(UTC))
    assert (edit.action, edit.cube) == ("retire", old.id)
    assert memory.reflect() == 1 and memory.search("parking code")[0].cube.id != old.id
