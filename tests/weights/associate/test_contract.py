"""What every method of the slot must do: one row a method."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.weights.associate.segments import FACTS, SEGMENTS

from mnemon import methods
from mnemon.errors import InvalidInput
from mnemon.weights import addresses
from mnemon.weights.recalling import following

OPTIONS = {"larimar": {"slots": 32, "tokens": 16}, "ntk-attention": {"tokens": 16}}
NAMES = methods.names("weights.associate")


def _method(name: str):
    return methods.load("weights.associate", name, **OPTIONS[name])


def _same(one, other) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("name", NAMES)
def test_settings_survive_json(name) -> None:
    method = _method(name)
    again = methods.load("weights.associate", name, **json.loads(json.dumps(asdict(method))))
    assert again == method and method.additive


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_what_is_erased_was_never_there_to_the_last_bit(name, loaded, data) -> None:
    method, model = _method(name), loaded.model
    order = data.draw(st.permutations(range(6)))
    split = data.draw(st.integers(0, 6))
    gone = set(data.draw(st.lists(st.sampled_from(order), unique=True)))
    state = method.write(model, {}, [SEGMENTS[i] for i in order[:split]])
    early = [i for i in order[:split] if i in gone]
    state = method.erase(model, state, [SEGMENTS[i] for i in early])
    state = method.write(model, state, [SEGMENTS[i] for i in order[split:]])
    state = method.erase(model, state, [SEGMENTS[i] for i in gone.difference(early)])
    never = method.write(model, {}, [SEGMENTS[i] for i in range(6) if i not in gone])
    assert _same(state, never)


@pytest.mark.parametrize("name", NAMES)
def test_a_state_has_one_size_and_none_once_all_is_erased(name, loaded) -> None:
    method, model = _method(name), loaded.model
    one = method.write(model, {}, SEGMENTS[:1])
    many = method.write(model, one, SEGMENTS[1:20])
    assert [t.nbytes for t in one.values()] == [t.nbytes for t in many.values()]
    assert method.erase(model, one, SEGMENTS[:1]) == {}
    assert method.read(model, {}, addresses.asked(FACTS[0].question, "bench")) is None


@pytest.mark.parametrize("name", NAMES)
def test_too_long_a_segment_is_refused(name, loaded) -> None:
    longer = SEGMENTS[0]._replace(ids=SEGMENTS[0].ids * 2)
    with pytest.raises(InvalidInput, match="takes 16 at most"):
        _method(name).write(loaded.model, {}, [longer])


@pytest.mark.parametrize("name", NAMES)
def test_reading_leaves_state_and_model_as_they_were(name, loaded) -> None:
    method, model = _method(name), loaded.model
    state = method.write(model, {}, SEGMENTS[:4])
    before = {name: one.clone() for name, one in state.items()}
    prompt = torch.tensor([[1, *SEGMENTS[0].ids]])
    alone = model(prompt, use_cache=False).logits
    asked = addresses.asked(FACTS[0].question, "bench")
    said = [
        following(model, SEGMENTS[0].pairs[0].prompt[1:], method.read(model, state, asked), {2}, 6)
        for _ in range(2)
    ]
    assert said[0] == said[1]
    assert _same(state, before)
    assert torch.allclose(model(prompt, use_cache=False).logits, alone, atol=1e-5)
    assert all(one.grad is None for one in model.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_what_makes_no_sense_is_refused(name) -> None:
    with pytest.raises(InvalidInput, match="tokens=1"):
        methods.load("weights.associate", name, tokens=1)
