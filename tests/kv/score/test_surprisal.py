"""What surprisal is, and what `sirllm` makes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mnemon.errors import InvalidInput
from mnemon.kv import KVCache
from mnemon.kv.score.sirllm import SirLLM

from ..models import forward, named, padded, text, tiny_llama
from .layers import layer, noise


def test_surprisal_is_what_the_model_gave_each_token_over_several_passes() -> None:
    model, ids = tiny_llama(hidden=32), text(30)
    logp = forward(model, ids).log_softmax(-1)[0, :-1]
    expected = -logp.gather(-1, ids[0, 1:, None])[:, 0]
    held = KVCache(model, "sirllm", 10_000)
    for part in (ids[:, :20], ids[:, 20:21], ids[:, 21:]):
        forward(model, part, held)
    assert held.surprisal is not None and held.surprisal[0, 0].isnan()
    assert torch.allclose(held.surprisal[0, 1:], expected, atol=1e-5)


def test_padding_foretells_nothing() -> None:
    model = tiny_llama(hidden=32)
    ids, mask = padded([text(20, seed=1), text(14, seed=2)])
    held = KVCache(model, "sirllm", 10_000)
    forward(model, ids, held, attention_mask=mask)
    assert held.surprisal is not None and held.surprisal[1, 6].isnan()
    assert held.surprisal[1, 7:].isfinite().all()


def test_what_is_remembered_does_not_grow_with_the_text() -> None:
    model = tiny_llama(hidden=32)
    held = KVCache(model, "sirllm + window=8", 40)
    for step in range(5):
        forward(model, text(50, seed=step), held)
    assert held.surprisal is not None and held.surprisal.shape == (1, 8)


def test_embeddings_alone_are_refused() -> None:
    model = tiny_llama(hidden=32)
    held = KVCache(model, "sirllm", 0.5)
    with pytest.raises(InvalidInput, match="input_ids"):
        model(inputs_embeds=noise(1, 9, 32), **named(model, held))


def test_the_least_expected_is_kept_and_the_first_counts_as_such() -> None:
    told = torch.tensor([[float("nan"), 0.1, 3.0, 0.2, 5.0, 1.0]])
    view = replace(layer(noise(2, 6, 4)), surprisal=told)
    scores = SirLLM().score(view)[0]
    assert scores.tolist() == [pytest.approx([5.0, 0.1, 3.0, 0.2, 5.0, 1.0])] * 2


def test_old_tokens_fade_by_the_decay_ratio() -> None:
    before = torch.tensor([[[4.0, 2.0] + [float("nan")] * 3]])
    told = torch.tensor([[3.0, 0.1, 0.1]])
    view = replace(layer(noise(1, 5, 4)), surprisal=told, before=before)
    assert SirLLM().score(view).argmax() == 0
    assert SirLLM(decay_ratio=0.5).score(view).argmax() == 2
    with pytest.raises(InvalidInput, match="decay_ratio"):
        SirLLM(decay_ratio=0)
