"""Words as ids: fast ways say what plain ones say, and nothing goes blind or mixes ids up."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnemon import Memory
from mnemon.store.rows import Filter
from mnemon.text import facets, lexicon, wordkind
from mnemon.text.hashed import Hashed
from mnemon.text.telling import Told, told_by_each, told_by_many
from mnemon.text.tokens import Tokens, aligned, plain

PIECES = (
    "in", "In", "at", "near", "Paris", "paris", "P", "I", "we", "we've", "2019", "three", "3", "_",
    "_in", "to", "Oslo9", "don't", "the", "?", "yesterday", " ", "  ", ",", ";", "\n", "\x00",
    "Ünal", "café", "’", "—", "日本", "naïve", "Ω", "ÉTÉ", "😀", "²", "½", "ß", "𝔘", "\U00020000",
)  # fmt: skip
some_texts = st.lists(
    st.one_of(
        st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join),
        st.lists(st.sampled_from(PIECES), max_size=12).map("".join),
        st.text(st.characters(max_codepoint=127), max_size=30),
        st.text(max_size=20),
    ),
    min_size=1,
    max_size=8,
)
any_texts = st.lists(st.text(max_size=20), min_size=1, max_size=6)


def small(most: int = 64) -> lexicon.Lexicon:
    return lexicon.Lexicon(lexicon.StaticEmbedder(), most)


@pytest.fixture
def narrow(monkeypatch):
    """The process's lexicon has 512 places."""
    words = small(512)
    monkeypatch.setattr(facets, "lexicon", lambda: words)
    return words


def looked(memory: Memory) -> Any:
    return memory._searcher.look("anything", Filter(memory.namespace))[0]


def split(told: Told) -> list[list[int]]:
    ends = np.cumsum(told.sizes)
    return [told.ids[end - n : end].tolist() for end, n in zip(ends, told.sizes, strict=True)]


@settings(deadline=None, database=None)
@given(some_texts)
def test_tokens_are_the_words_that_the_plain_way_finds(texts: list[str]) -> None:
    texts = [text for text in texts if aligned(text)] or [""]
    tokens = Tokens.of(texts)
    assert [tokens.word(place) for place in range(len(tokens.keys))] == [
        word for text in texts for word in plain(text)
    ]
    assert tokens.sizes.tolist() == [len(plain(text)) for text in texts]


@settings(deadline=None, database=None)
@given(some_texts)
def test_many_texts_at_once_are_read_as_each_by_itself(texts: list[str]) -> None:
    texts = [text for text in texts if aligned(text)] or [""]
    many, each = (read(lexicon.lexicon(), texts) for read in (told_by_many, told_by_each))
    assert split(many) == split(each)
    assert many.flags.tolist() == each.flags.tolist()


@settings(deadline=None, database=None)
@given(st.lists(st.lists(st.integers(1, 40), max_size=30), max_size=5), st.integers(0, 1))
def test_a_hash_table_keeps_what_it_was_given(batches: list[list[int]], narrow: int) -> None:
    table, known = Hashed(), {}
    for number, batch in enumerate(batches):
        # Keys whose places are the same, if narrow: all have to be probed for.
        fresh = {key << (0 if narrow else 52): number for key in batch}
        known |= fresh
        table.put(np.array(list(fresh), np.uint64), np.array(list(fresh.values()), np.int32))
        asked = [*known, 41, 42]
        assert table.get(np.array(asked, np.uint64)).tolist() == [*known.values(), -1, -1]


def test_a_hash_table_grows() -> None:
    table, draw = Hashed(), np.random.default_rng(0)
    keys = np.unique(draw.integers(1, 2**63, 30_000, dtype=np.uint64))
    for start in range(0, len(keys), 700):
        part = keys[start : start + 700]
        table.put(part, np.arange(start, start + len(part), dtype=np.int32))
    assert (table.get(keys) == np.arange(len(keys))).all()


@settings(deadline=None, database=None)
@given(st.lists(any_texts, min_size=1, max_size=15))
def test_a_word_means_the_same_however_many_came_before(batches: list[list[str]]) -> None:
    used, whole = small(), small(4096)
    for texts in [*batches, ["the surgery went well"]]:
        for text in texts:
            ids, plainly = used.ids(text, ()), whole.ids(text, ())
            assert len(ids) == len(plainly)
            assert (used.weights(ids) == whole.weights(plainly)).all()
            asked = used.ids("operation", ())
            same = whole.similarities(plainly, whole.ids("operation", ()))
            assert np.allclose(used.similarities(ids, asked), same, atol=1e-6)


def test_words_are_compared_to_the_bit_whatever_came_before() -> None:
    said, asked = "a heron near the old harbour bakery sang of violins", "which bird made music"
    one, other = small(4096), small(4096)
    other.ids("music harbour", ())
    other.numbers([f"word{number}" for number in range(37)])
    other.ids("violins sang of a bird and of bakery smoke", ())

    def told(words: lexicon.Lexicon) -> tuple[np.ndarray, np.ndarray]:
        ids = words.ids(said, ())
        return words.similarities(ids, words.ids(asked, ())), words.weights(ids)

    assert all(map(np.array_equal, told(one), told(other)))


def test_a_lexicon_forgets_what_came_first_and_is_never_blind() -> None:
    words = small()
    (first,) = words.ids("surgery", ())
    for number in range(500):
        ids = words.ids(f"word{number} surgery operation banana", ())
        similar = words.similarities(ids, ids[2:3])[:, 0]
        assert similar[1] > similar[3] and abs(similar[2] - 1.0) < 1e-5
        assert len(words) <= 48 and ids.min() >= words.oldest - 9
    assert words.oldest > first and words.ids("surgery", ())[0] > first


def test_an_id_can_be_compared_for_a_while_after_it_was_forgotten_and_is_then_no_word() -> None:
    words = small()
    ids = words.ids("surgery", ())
    asked, number = ids, 0
    while words.oldest <= ids[0]:
        number += 1
        words.ids(f"word{number}", ())
    assert words.similarities(ids, words.ids("operation", ()))[0, 0] > 0.2
    for more in range(64):
        words.ids(f"more{more}", ())
    assert words.weights(ids).tolist() == [0.0]
    assert words.similarities(ids, asked).tolist() == [[0.0]]


def test_facets_stay_right_when_words_were_forgotten(narrow: lexicon.Lexicon) -> None:
    with Memory(":memory:") as memory:
        memory.add([f"Ana has a heron{number} in Oslo" for number in range(20)])
        view, every = looked(memory), range(20)
        for step in range(5):
            said = facets.of(view)
            ids, starts = said.words(view, every)
            held = narrow.ids("heron7", ())
            assert np.flatnonzero(np.isin(ids, held)).tolist() == [starts[7] + 1]
            assert said.flags(view, every)[:, 3].all()
            for number in range(200):
                narrow.ids(f"filler{step}x{number}", ())
        assert narrow.oldest > 500


def test_turns_that_are_too_many_to_keep_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with Memory(":memory:") as memory:
        memory.add([f"a heron{number}" for number in range(30)])
        view = looked(memory)
        ids, starts = facets.Facets(lexicon.lexicon()).words(view, range(30))
        whole = np.split(ids, starts[1:])
        monkeypatch.setattr(facets, "_MOST", 10)
        for start in (0, 5, 8, 20, 3):
            part = facets.words(view, range(start, start + 8))
            assert [one.tolist() for one in part] == [
                one.tolist() for one in whole[start : start + 8]
            ]
        assert len(facets.of(view)._turns) <= 10


def test_speakers_names_and_function_words_are_no_words() -> None:
    with Memory(":memory:") as memory:
        memory.add([
            {"speaker": "Ana", "content": "Ben, Ana and the of"},
            {"speaker": "Ben", "content": "Ana met a heron"},
            {"speaker": "Ben", "content": ""} | {"content": "?!"},
        ])  # fmt: skip
        view = looked(memory)
        said = facets.of(view)
        assert facets.words(view, [0])[0].tolist() == [0]
        assert facets.words(view, [1])[0].tolist() == said.lexicon.ids("met heron", ()).tolist()
        assert facets.words(view, [2])[0].tolist() == [0]
        assert said.asked("Ana: a heron, Heron!", view).tolist() == said.lexicon.known(["heron"])


def test_many_threads_read_the_same(narrow: lexicon.Lexicon) -> None:
    with Memory(":memory:") as memory:
        memory.add([f"heron{number % 7} number{number} café{number % 5}" for number in range(60)])
        view, barrier = looked(memory), threading.Barrier(4)

        def read(seed: int) -> list[float]:
            told = []
            for step in range(60):
                barrier.wait()  # nobody falls a hundred words behind, as no search does
                chosen = [(seed * 7 + step * 11 + place) % 60 for place in range(12)]
                said = facets.of(view)
                ids, starts = said.words(view, chosen)
                assert len(starts) == 12 and all(a < b for a, b in pairwise([*starts, len(ids)]))
                narrow.ids(" ".join(f"filler{seed}x{step}x{part}" for part in range(9)), ())
                asked = said.asked("heron3 café2", view)
                told += said.lexicon.similarities(ids, asked).max(axis=1).round(5).tolist()
            return told

        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(read, [3] * 4))
    assert narrow.oldest > 100
    assert all(one == together[0] for one in together)


@pytest.mark.parametrize(
    ("word", "bits"),
    [
        ("i", wordkind.FIRST_PERSON | wordkind.FUNCTION),
        ("1999", wordkind.NUMBER | wordkind.TIME),
        ("1899", wordkind.NUMBER),
        ("near", wordkind.BEFORE_PLACE),
        ("weeks", wordkind.TIME),
        ("violin", 0),
    ],
)
def test_kinds_of_words(word: str, bits: int) -> None:
    assert wordkind.kind(word) == bits
