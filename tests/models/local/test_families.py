"""Whole turns with chat templates and plain models, on tiny random weights."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM, MistralConfig, MistralForCausalLM

from mnemon.errors import InvalidInput
from mnemon.models.local import Runtime
from mnemon.models.local.limits import stops_of
from mnemon.models.template import template_of

from .tokenizers import FAMILIES, tiny

SIZES = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "vocab_size": 300, "max_position_embeddings": 2048,
    "bos_token_id": None, "eos_token_id": None, "initializer_range": 0.3,
}  # fmt: skip


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    return LlamaForCausalLM(LlamaConfig(**SIZES)).eval()


@pytest.mark.parametrize("family", [*FAMILIES, None])
def test_each_turn_computes_what_is_new_and_says_what_recomputation_says(model, memory, family):
    memory.add("Ana moved to Lisbon.", speaker="Ana")
    given = {"tokenizer": tiny(family), "system": "Be kind.", "max_new_tokens": 6}
    plain = Runtime(model, memory, session="s", reuse="none", **given)
    runtime = Runtime(model, memory, session="s", reuse="prefix", **given)
    traces = []
    for question in ("Where is Ana?", "And Ben?", "Who else?"):
        right = plain.answer(question)
        reply = runtime.chat(question)
        assert reply.text == right.text
        traces.append(reply.trace)
    assert [trace.turns for trace in traces] == [0, 1, 2]
    for before, after in pairwise(traces):
        assert after.reused["live"] >= before.prompt  # all of the prompt before stands in this one


@pytest.mark.parametrize("family", FAMILIES)
def test_an_answer_ends_where_the_template_ends_a_turn(model, family):
    tokenizer = tiny(family)
    end = FAMILIES[family][2]
    stops = stops_of(model, tokenizer, template_of(tokenizer))
    assert tokenizer.convert_tokens_to_ids(end) in stops


def test_what_ends_at_once_is_not_stored_but_the_question_is(model, memory):
    tokenizer = tiny("chatml")
    runtime = Runtime(model, memory, tokenizer=tokenizer, session="s")
    runtime.stops = frozenset(range(300))
    reply = runtime.chat("Who?")
    assert (reply.text, reply.answer, memory.count()) == ("", None, 1)
    assert memory.get(reply.question).content == "Who?"
    assert runtime.chat("Where?").trace.turns == 0


def test_a_model_with_a_sliding_window_answers_without_reuse(memory):
    torch.manual_seed(0)
    sliding = MistralForCausalLM(MistralConfig(**SIZES, sliding_window=16)).eval()
    given = {"tokenizer": tiny("mistral"), "max_new_tokens": 4}
    runtime = Runtime(sliding, memory, session="s", **given)
    assert runtime.shared.reuse == "none"
    assert [runtime.chat("Who?").trace.reused for _ in range(2)] == [{}, {}]
    with pytest.raises(InvalidInput, match="full attention"):
        Runtime(sliding, memory, reuse="prefix", **given)
