"""A step goes on from a compressed cache as the model itself would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from mnemon.errors import InvalidInput

transformers = pytest.importorskip("transformers")


def make() -> Any:
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, head_dim=32, vocab_size=97, max_position_embeddings=512,
        initializer_range=0.3, bos_token_id=None, eos_token_id=None, pad_token_id=None,
    )  # fmt: skip
    return transformers.LlamaForCausalLM(config).eval()


def prefilled(model: Any, policy: str, budget: float, tokens: torch.Tensor) -> Any:
    from mnemon.kv import KVCache

    cache = KVCache(model, policy=policy, budget=budget)
    with torch.no_grad():
        model(tokens, past_key_values=cache)
    return cache


POLICIES = [
    ("snapkv", 1.0),
    ("snapkv", 0.3),
    ("snapkv + kivi(bits=4)", 0.2),
    ("snapkv + kivi(bits=4, value_bits=2)", 0.2),
    ("tangram", 0.3),
    ("graded(share=0.5)", 0.5),
]


@pytest.mark.filterwarnings("ignore:`past_key_values` is deprecated")
@pytest.mark.parametrize(("policy", "budget"), POLICIES)
def test_logits_are_those_of_the_model_with_the_cache(
    policy: str, budget: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mnemon.kv.decode import step_over
    from mnemon.kv.profile import HeadProfile, fingerprint

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = make()
    HeadProfile(fingerprint(model), ((1.0, 0.5), (0.25, 0.75)), "made up").save()
    tokens = torch.randint(0, 97, (2, 300))
    cache = prefilled(model, policy, budget, tokens)
    step = step_over(model, cache, room=8)
    for _ in range(3):
        token = torch.randint(0, 97, (2,))
        logits = step(token)
        with torch.no_grad():
            expected = model(token[:, None], past_key_values=cache).logits[:, -1]
        assert_close(logits, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.filterwarnings("ignore:`past_key_values` is deprecated")
def test_what_a_step_cannot_go_on_from_is_refused() -> None:
    from mnemon.kv import KVCache
    from mnemon.kv.decode import step_over

    model = make()
    with pytest.raises(InvalidInput, match="run the model on the prompt first"):
        step_over(model, KVCache(model, policy="snapkv", budget=0.5))
    cache = KVCache(model, policy="snapkv", budget=0.5)
    mask = torch.ones(2, 40, dtype=torch.int64)
    mask[0, :5] = 0
    with torch.no_grad():
        model(torch.randint(0, 97, (2, 40)), attention_mask=mask, past_key_values=cache)
    with pytest.raises(InvalidInput, match="no padding"):
        step_over(model, cache)
