"""After reuse, a model says what it says after recomputation; models that cannot are refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.kv.models import text, tiny_llama
from tests.kv.reuse.prompts import Shelf, recomputed
from tests.kv.test_models import HEADS, MODELS
from torch import Tensor
from transformers import MistralConfig, MistralForCausalLM, PreTrainedModel

from mnemon.errors import InvalidInput
from mnemon.kv.reuse.conversation import Conversation
from mnemon.kv.reuse.prefix import PrefixCache

FULL = ["llama", "mistral", "qwen2", "qwen3", "phi3", "gpt-neox", "opt"]
PROMPT = text(90)[0].tolist()
SIZE = 16


def made(name: str) -> PreTrainedModel:
    torch.manual_seed(0)
    return MODELS[name]().eval()


def answer(
    conversation: Conversation, prompt: list[int], steps: int = 20
) -> tuple[Tensor, list[int]]:
    """The logits after a prompt, and the greedy tokens that follow."""
    first = logits = conversation.prefill(prompt).logits
    found = []
    for _ in range(20):
        found.append(int(logits.argmax()))
        logits = conversation.append(found[-1:])
    return first, found


@pytest.mark.parametrize("name", FULL)
def test_logits_are_the_same_to_the_bit_and_so_is_the_text(name: str) -> None:
    """Products of other shapes round otherwise: to the bit, if passes ended at the same place."""
    model, shelf = made(name), Shelf()
    cold = Conversation(PrefixCache(model, tiers=shelf, size=SIZE), chunk=80)
    _, first = answer(cold, PROMPT)
    cold.publish()
    other = Conversation(PrefixCache(model, tiers=shelf, size=SIZE))
    logits, again = answer(other, PROMPT)
    assert other.prefill([*PROMPT, 3]).by_tier == {"live": 90}
    assert again == first
    assert torch.equal(logits, recomputed(model, PROMPT, 80))
    whole = recomputed(model, PROMPT)
    assert (logits - whole).abs().max() <= 1e-5 * whole.abs().max()


@pytest.mark.parametrize("name", ["llama", "qwen3", "opt"])
def test_in_half_precision_logits_stay_within_a_twentieth_of_the_largest(name: str) -> None:
    model = made(name).to(torch.bfloat16)
    prefixes = PrefixCache(model, size=SIZE)
    cold = Conversation(prefixes)
    cold.prefill(PROMPT)
    cold.publish()
    found = Conversation(prefixes).prefill(PROMPT)
    assert found.reused == 80
    whole = recomputed(model, PROMPT).float()  # split at the same place, it would be equal
    assert (found.logits.float() - whole).abs().max() <= 0.05 * whole.abs().max()


@pytest.mark.parametrize("name", ["gemma2", "gemma3", "qwen3-next (hybrid)"])
def test_models_some_of_whose_layers_forget_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="models whose layers all have full attention"):
        PrefixCache(made(name))


def test_a_sliding_window_is_refused() -> None:
    windowed = MistralForCausalLM(MistralConfig(**HEADS, sliding_window=24))
    with pytest.raises(InvalidInput, match="full attention"):
        PrefixCache(windowed)


def stepped(model: PreTrainedModel) -> PreTrainedModel:
    """After a step of training, in place."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    ids = torch.tensor([PROMPT])
    model(ids, labels=ids).loss.backward()
    optimizer.step()
    return model


OTHER: dict[str, Callable[[], PreTrainedModel]] = {
    "trained": lambda: stepped(tiny_llama()),
    "another seed": lambda: tiny_llama(seed=1),
    "dtype": lambda: tiny_llama().to(torch.bfloat16),
    "rope": lambda: tiny_llama(rope_parameters={"rope_type": "default", "rope_theta": 5000.0}),
    "layers": lambda: tiny_llama(layers=2),
}


@pytest.mark.parametrize("change", OTHER)
def test_another_model_finds_nothing(change: str) -> None:
    shelf = Shelf()
    cold = Conversation(PrefixCache(tiny_llama(), tiers=shelf, size=SIZE))
    cold.prefill(PROMPT)
    assert cold.publish() == 5
    assert PrefixCache(tiny_llama(), tiers=shelf, size=SIZE).begin(PROMPT).reused == 80
    assert PrefixCache(OTHER[change](), tiers=shelf, size=SIZE).begin(PROMPT).reused == 0
    assert len(shelf.blobs) == 5  # they are not stale, only not asked for


def test_a_live_conversation_begins_again_when_its_model_was_trained() -> None:
    model = tiny_llama()
    conversation = Conversation(PrefixCache(model, size=SIZE))
    conversation.prefill(PROMPT)
    stepped(model)
    found = conversation.prefill(PROMPT)
    assert (found.reused, found.computed) == (0, 90)
    assert torch.equal(found.logits, recomputed(model, PROMPT))


def test_another_tenant_tokenizer_or_size_finds_nothing(tokenizers: list[Any]) -> None:
    model, shelf = tiny_llama(), Shelf()
    cold = Conversation(PrefixCache(model, tokenizers[0], tiers=shelf, salt="ana", size=SIZE))
    cold.prefill(PROMPT)
    cold.publish()
    for reused, tokenizer, salt, size in (
        (80, tokenizers[0], "ana", SIZE),
        (0, tokenizers[0], "bob", SIZE),
        (0, tokenizers[1], "ana", SIZE),
        (0, None, "ana", SIZE),
        (0, tokenizers[0], "ana", 32),
    ):
        prefixes = PrefixCache(model, tokenizer, tiers=shelf, salt=salt, size=size)
        assert prefixes.begin(PROMPT).reused == reused


def test_a_tokenizer_that_got_a_token_or_a_template_makes_other_keys(
    tokenizers: list[Any],
) -> None:
    prefixes = PrefixCache(tiny_llama(), tokenizers[0])
    roots = [prefixes.root()]
    assert prefixes.root() == roots[0]
    tokenizers[0].add_tokens(["c"])
    roots.append(prefixes.root())
    tokenizers[0].chat_template = "{{ messages }}"
    roots.append(prefixes.root())
    assert len(set(roots)) == 3


@pytest.fixture
def tokenizers() -> list[Any]:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = [{"a": 0, "b": 1}, {"a": 1, "b": 0}]
    return [
        PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel(one, unk_token="a")))
        for one in words
    ]
