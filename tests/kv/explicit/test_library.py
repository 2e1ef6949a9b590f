"""A library: the nearest references are read, each forgotten alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.kv.models import tiny_llama

from mnemon.bench.recall import ids, plain, text
from mnemon.errors import InvalidInput
from mnemon.kv import KVCache
from mnemon.kv.explicit.library import Library
from mnemon.kv.explicit.memory3 import Memory3
from mnemon.kv.tiers.blob import decode, encode

METHOD = Memory3(longest=32, tokens=4, retrieved=2, every=16, layers="all")
TEXTS = [text(plain(60, seed)[1:]) for seed in range(3)]
SOURCES = [[(f"cube-{number}", 1)] for number in range(3)]


@pytest.fixture(scope="module")
def library(model: Any, tokenizer: Any, embed: Any) -> Library:
    return Library.write(model, tokenizer, TEXTS, embed=embed, method=METHOD, sources=SOURCES)


def words(number: int, count: int = 12) -> list[int]:
    return list(ids(TEXTS[number]))[:count]


def test_texts_are_cut_into_references_that_name_their_own_source(library: Library) -> None:
    assert [one.tokens for one in library.references] == [32, 29] * 3
    assert [one.sources for one in library.references[::2]] == SOURCES
    assert [one.sources for one in library.references[1::2]] == SOURCES


def test_a_text_reads_the_references_it_was_taken_from(library: Library) -> None:
    for number in range(3):
        assert library.nearest(TEXTS[number])[0] // 2 == number
    assert len(library.nearest("the")) == METHOD.retrieved


def test_others_are_recalled_as_the_text_goes_on(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[list[int]] = []
    recall = Library.recall

    def noted(self: Library, cache: KVCache, said: str) -> list[int]:
        read.append(recall(self, cache, said))
        return read[-1]

    monkeypatch.setattr(Library, "recall", noted)
    library.generate([*words(0, 16), *words(2, 16)], 18)
    assert [numbers[0] // 2 for numbers in read[:2]] == [0, 2]
    assert len(read) == 4  # at 0, 16, 32 and 48 tokens


def test_generated_is_what_a_pass_finds_likeliest(library: Library) -> None:
    prompt = words(1, 9)
    made = library.generate(prompt, 5)
    logits = library.logits([*prompt, *made])
    assert logits[8:13].argmax(-1).tolist() == made


def test_a_memory_changes_what_is_said_next(library: Library) -> None:
    empty = library.without({one.key for one in library.references})
    assert empty.references == ()
    assert not torch.allclose(library.logits(words(0)), empty.logits(words(0)), atol=1e-2)


def test_forgetting_one_leaves_the_others_as_they_are(library: Library) -> None:
    gone = library.references[0].key
    left = library.without({gone})
    assert [one.key for one in left.references] == [one.key for one in library.references[1:]]
    assert all(number < 5 for number in left.nearest(TEXTS[0]))


def test_blobs_survive_storage(library: Library, model: Any, tokenizer: Any, embed: Any) -> None:
    stored = [decode(encode(one), one.key) for one in library.blobs()]
    again = Library.load(model, tokenizer, stored, embed=embed)
    assert again.method == METHOD
    assert [one.sources for one in again.references] == [
        tuple(one.sources) for one in library.references
    ]
    assert torch.equal(again.logits(words(1)), library.logits(words(1)))


def test_keys_tell_owners_and_options_apart(
    library: Library, model: Any, tokenizer: Any, embed: Any
) -> None:
    def keys(**other: Any) -> set[str]:
        given = {"embed": embed, "method": METHOD, **other}
        made = Library.write(model, tokenizer, TEXTS[:1], **given)
        return {one.key for one in made.references}

    same = {one.key for one in library.references}
    assert keys() < same
    assert not keys(salt="bo") & same
    assert not keys(method=Memory3(longest=32)) & same


def test_blobs_of_another_model_or_form_are_refused(
    library: Library, tokenizer: Any, embed: Any
) -> None:
    with pytest.raises(InvalidInput, match="other weights"):
        Library.load(tiny_llama(), tokenizer, library.blobs(), embed=embed)
    with pytest.raises(InvalidInput, match="kv-explicit"):
        Library.load(library.model, tokenizer, [], embed=embed)


def test_a_text_without_tokens_is_refused(model: Any, tokenizer: Any, embed: Any) -> None:
    with pytest.raises(InvalidInput, match="there is no token"):
        Library.write(model, tokenizer, [""], embed=embed)
    with pytest.raises(InvalidInput, match="2 lists of sources for 3 texts"):
        Library.write(model, tokenizer, TEXTS, embed=embed, sources=SOURCES[:2])
