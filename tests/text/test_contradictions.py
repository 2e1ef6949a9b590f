"""Contradictions: claims, the sheaf that links what disagrees, post-thinking that forgets it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon import Memory
from mnemon.bench import synthetic
from mnemon.models.embed.static import StaticEmbedder
from mnemon.text import claims
from mnemon.text.maintain.post_thinking import PostThinking
from mnemon.text.maintain.sheaf import Sheaf
from mnemon.text.programs.think_in_memory import ThinkInMemory

PLANTED = [
    json.loads(line)
    for line in (Path(__file__).parent / "data" / "contradictions.jsonl").read_text().splitlines()
]
NOW = datetime.now(UTC)
Pairs = set[tuple[int, int]]


@pytest.fixture
def memory() -> Iterator[Memory]:
    with Memory(":memory:", program="superlocalmemory-v3") as memory:
        yield memory


def contents(memory: Memory) -> list[str]:
    return [cube.content for cube in memory.list()]


def said(memory: Memory, *texts: str, speaker: str = "Ana") -> None:
    """Each on a day of its own."""
    for day, text in enumerate(texts, start=1):
        memory.add(text, speaker=speaker, at=f"2025-04-{day:02}", session=f"{speaker}-{day}")


def flagged(memory: Memory, **options: Any) -> Pairs:
    """Pairs of texts, older first, between which the sheaf proposes a link."""
    place = {cube.id: index for index, cube in enumerate(memory.list(limit=1000))}
    edits = Sheaf(**options).maintain(memory, memory.namespace, NOW)
    return {(place[edit.link.dst], place[edit.link.src]) for edit in edits if edit.link}


def f1(found: Pairs, wanted: Pairs) -> float:
    return 2 * len(found & wanted) / max(1, len(found) + len(wanted))


def best_threshold(texts: list[str], wanted: Pairs) -> float:
    """The best F1 that any threshold on cosine reaches, above it or below it."""
    vectors = StaticEmbedder().embed(texts)
    similar = vectors @ vectors.T
    pairs = np.asarray(list(combinations(range(len(texts)), 2)))
    cosine = similar[pairs[:, 0], pairs[:, 1]]
    right = np.asarray([tuple(pair) in wanted for pair in pairs.tolist()])
    best = 0.0
    for order in (np.argsort(-cosine), np.argsort(cosine)):
        hits = np.cumsum(right[order])
        best = max(best, float((2 * hits / (np.arange(len(hits)) + 1 + right.sum())).max()))
    return best


@pytest.fixture(scope="module")
def planted() -> Iterator[tuple[Memory, list[str], Pairs]]:
    """The pairs of the data file among two hundred turns of talk, all of one speaker."""
    texts = [turn.content for turn in synthetic.turns(200, seed=3)]
    wanted: Pairs = set()
    for pair in PLANTED:
        if pair["contradicts"]:
            wanted.add((len(texts), len(texts) + 1))
        texts += (pair["first"], pair["second"])
    with Memory(":memory:") as memory:
        memory.add(texts, speaker="Ana")
        yield memory, texts, wanted


def test_planted_contradictions_are_found_better_than_by_any_cosine(
    planted: tuple[Memory, list[str], Pairs],
) -> None:
    memory, texts, wanted = planted
    assert f1(flagged(memory), wanted) > 0.85
    assert f1(flagged(memory), wanted) > best_threshold(texts, wanted) + 0.2


@pytest.mark.parametrize("way", claims.WAYS)
def test_each_way_of_differing_finds_its_own(
    planted: tuple[Memory, list[str], Pairs], way: str
) -> None:
    memory, _, wanted = planted
    without = tuple(one for one in claims.WAYS if one != way)
    assert f1(flagged(memory, by=without), wanted) < f1(flagged(memory), wanted) - 0.05
    assert flagged(memory, by=()) == set()


def test_reflect_links_the_newer_to_the_older_once(memory: Memory) -> None:
    said(memory, "I have two cats.", "The weather is fine.", "I have three cats.")
    assert memory.reflect() == 1
    first, _, last = memory.list()
    (link,) = memory.links(first.id)
    assert (link.src, link.type, link.dst, link.weight) == (last.id, "contradicts", first.id, 1.0)
    assert memory.reflect() == 0 and memory.count() == 3


def test_two_people_may_disagree(memory: Memory) -> None:
    said(memory, "I love horror films.")
    said(memory, "I hate horror films.", speaker="Ben")
    assert flagged(memory) == set()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I drink coffee.", "Yesterday I didn't drink coffee."),
        ("I drink coffee.", "If I don't drink coffee I fall asleep."),
        ("I drink coffee.", "Don't I drink coffee?"),
        ("Coffee is on the table.", "Please don't drink coffee at the table."),
        ("It is easy.", "It isn't easy."),
        ("I can't wait to see the sea.", "I wait to see the sea."),
        ("My coffee is not cold.", "My coffee is hot."),
        ("I know the way.", "I don't know."),
        ("[photo: a dog that is wet]", "[photo: a dog that is dry]"),
    ],
)
def test_what_only_looks_like_a_contradiction_is_none(memory: Memory, one: str, other: str) -> None:
    said(memory, one, other)
    assert flagged(memory) == set()


@given(st.text(max_size=300))
def test_any_text_agrees_with_itself(text: str) -> None:
    for claim in claims.claims(text):
        assert claims.agree(claim, claim) and claims.overlap(claim, claim) == 1.0


@given(st.sampled_from(PLANTED), st.sampled_from(PLANTED))
def test_disagreement_goes_both_ways(one: dict[str, Any], other: dict[str, Any]) -> None:
    for left in claims.claims(one["first"]):
        for right in claims.claims(other["second"]):
            assert claims.agree(left, right) == claims.agree(right, left)
            assert claims.overlap(left, right) == claims.overlap(right, left)


@given(st.lists(st.sampled_from([text for pair in PLANTED for text in (pair["first"],)])))
def test_the_rarest_things_find_every_edge(texts: list[str]) -> None:
    with Memory(":memory:") as memory:
        memory.add(texts + [pair["second"] for pair in PLANTED[::7]], speaker="Ana")
        cubes = memory.list(limit=1000)
    said = [claims.claims(cube.content) for cube in cubes]
    slow = {
        (older, newer)
        for older, newer in combinations(range(len(cubes)), 2)
        for one in said[older]
        for other in said[newer]
        if claims.overlap(one, other) >= 0.7 and not claims.agree(one, other)
    }
    assert set(Sheaf().edges(cubes)) == slow


def test_post_thinking_answers_with_what_is_so_now() -> None:
    turns = ("I live in Lisbon.", "My rent is 900 euros.", "I have a dog.", "I live in Porto.",
             "My rent is 950 euros.", "I have no dog.")  # fmt: skip
    now = {"Where do I live?": turns[3], "What is my rent?": turns[4], "Have I a dog?": turns[5]}
    with Memory(":memory:", program="think-in-memory") as memory:
        said(memory, *turns)
        assert memory.reflect() == 3
        assert contents(memory) == list(turns[3:])
        assert [memory.search(question)[0].cube.content for question in now] == list(now.values())
        before = memory.search("Where do I live?", as_of=memory.list()[-1].recorded_at)
        assert turns[0] in [hit.cube.content for hit in before]


def test_the_last_of_several_changes_of_mind_stands() -> None:
    with Memory(":memory:", program="think-in-memory") as memory:
        said(memory, "I have two cats.", "I have three cats.", "I have two cats.")
        memory.reflect()
        assert [cube.valid_from.day for cube in memory.list()] == [3]


def test_what_was_said_twice_is_kept_once_and_the_fuller_form_of_it() -> None:
    turns = ("Take care, bye!", "The boat is called Albatross.", "Take care, bye!",
             "The boat is called Albatross, by the way.", "Albatross called the boat.")  # fmt: skip
    with Memory(":memory:", program="think-in-memory") as memory:
        said(memory, *turns)
        memory.reflect()
        assert contents(memory) == [turns[0], turns[3], turns[4]]


def test_answers_of_a_word_are_no_thoughts_to_merge() -> None:
    turns = ("No", "oh no", "🎂🎂", "🧤", "what?", "what carpet", "No")
    with Memory(":memory:", program="think-in-memory") as memory:
        said(memory, *turns)
        assert memory.reflect() == 0


@pytest.mark.parametrize(("part", "left"), [("forget", 3), ("merge", 3)])
def test_either_half_of_post_thinking_can_be_left_out(part: str, left: int) -> None:
    with Memory(":memory:", program=replace(ThinkInMemory(), maintain=())) as memory:
        said(memory, "I eat meat.", "See you there!", "I don't eat meat.", "See you there!")
        method = PostThinking(**{part: False})
        gone = [edit.cube for edit in method.maintain(memory, memory.namespace, NOW)]
        assert memory.count() - len(gone) == left


def test_post_thinking_in_buckets_finds_nearly_what_comparing_all_finds(
    planted: tuple[Memory, list[str], Pairs],
) -> None:
    memory, _, _ = planted
    buckets, everything = (
        {e.cube for e in PostThinking(few=few).maintain(memory, memory.namespace, NOW)}
        for few in (0, 1000)
    )
    assert buckets <= everything and len(buckets) > 0.9 * len(everything)


def test_post_thinking_errs_on_no_planted_paraphrase() -> None:
    pairs = [pair for pair in PLANTED if pair["kind"] == "paraphrase"]
    forget: Callable[[Memory], list[Any]] = lambda memory: list(  # noqa: E731
        PostThinking(merge=False).maintain(memory, memory.namespace, NOW)
    )
    with Memory(":memory:") as memory:
        for pair in pairs:
            memory.add([pair["first"], pair["second"]], speaker="Ana")
        assert forget(memory) == []
