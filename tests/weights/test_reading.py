from __future__ import annotations

import pytest
import torch
from tests.weights.facts import FACTS, STRANGER, asked, told

from mnemon import Memory
from mnemon.bench.recall import BOS, ids
from mnemon.errors import InvalidInput
from mnemon.kv.reuse.fingerprint import fingerprint
from mnemon.models import recall_lm
from mnemon.weights import Reader, consolidate


def _logits(model, text: str) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.tensor([[BOS, *ids(text)]])).logits


def test_facts_are_answered_without_context(memory, loaded) -> None:
    with Reader(memory, *loaded) as reader:
        assert {name: reader.answer(asked(name)).text for name in FACTS} == FACTS


def test_who_is_not_known_is_left_to_the_base(memory, loaded) -> None:
    with Reader(memory, *loaded) as reader:
        found = reader.answer(asked(STRANGER))
    assert found.adapter is None and found.text not in FACTS.values()


def test_what_the_context_tells_goes_before_the_weights(memory, loaded) -> None:
    name = next(iter(FACTS))
    context = f"the code for {name} is x01 x02 x03 x04 ."
    with Reader(memory, *loaded) as reader:
        found = reader.answer(asked(name), context)
    assert found.text == "x01 x02 x03 x04" and found.adapter is None


def test_other_namespaces_never_wear_it(memory, loaded, tmp_path) -> None:
    other = Memory(memory._store.address, namespace="ben")
    with other, Reader(other, *loaded) as reader:
        assert reader.keys == frozenset()
        assert all(reader.answer(asked(name)).adapter is None for name in FACTS)


def test_an_adapter_changes_the_fingerprint_and_closing_undoes_it(memory, loaded) -> None:
    model = loaded.model
    before, bare = fingerprint(model).digest, _logits(model, asked(STRANGER))
    seen = set()
    with Reader(memory, *loaded) as reader:
        for key in reader.keys:
            reader.swap(key)
            seen.add(fingerprint(model).digest)
        assert not torch.equal(_logits(model, asked(STRANGER)), bare)
    assert len(seen) == len(FACTS) // 2 and before not in seen
    assert fingerprint(model).digest == before
    assert torch.equal(_logits(model, asked(STRANGER)), bare)


def test_two_readers_do_not_share_a_model(memory, loaded) -> None:
    with Reader(memory, *loaded), pytest.raises(InvalidInput, match="close its reader"):
        Reader(memory, *loaded)


def test_a_closed_reader_answers_nothing(memory, loaded) -> None:
    with Reader(memory, *loaded) as reader:
        pass
    with pytest.raises(InvalidInput, match="closed"):
        reader.answer(asked(STRANGER))


def test_a_model_in_bfloat16_learns_and_answers() -> None:
    model, tokenizer = recall_lm.load(nano=True, dtype="bfloat16")
    name, code = next(iter(FACTS.items()))
    with Memory(":memory:", namespace="ana") as fresh:
        told(fresh, {name: code})
        consolidate(fresh, model, tokenizer)
        with Reader(fresh, model, tokenizer) as reader:
            assert reader.answer(asked(name)).text == code
