"""Every method of every slot over kinds of models: batches as if alone, or a reason why not.

Each method meets one or two of the models; with `MNEMON_EVERY_POLICY=1` in the environment it meets
all of them, which takes some minutes.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
import torch
from tests.kv.models import forward, padded
from tests.kv.test_models import MODELS
from torch import Tensor
from transformers import PreTrainedModel

from mnemon import methods
from mnemon.errors import InvalidInput
from mnemon.kv import KVCache
from mnemon.kv.profile import HeadProfile

OPTIONS = {
    **dict.fromkeys(("graded", "kivi", "kvtuner", "mikv", "xquant"), "(group_size=16)"),
    "bfp-reorder": "(block_size=8)",
    "minicache": "(start=0.0)",
    "delta-sparse-attention": "(full_layers=1, delta_layers=1)",
}
BESIDE = {"score": "", "allocate": "snapkv + ", "compress": "keydiff + ", "retrieve": ""}
POLICIES = [
    f"{beside}{name}{OPTIONS.get(name, '')} + window=8 + block=8"
    for slot, beside in BESIDE.items()
    for name in methods.names(f"kv.{slot}")
]
# What a model lacks: rotary embedding, or projections that say which part makes keys.
LACKING = {
    "opt": ("compactor", "expected-attention", "leverage", "triattention", "xquant"),
    "llama4": ("compactor", "expected-attention", "leverage", "triattention", "xquant"),
    "phi3": ("xquant",),
    "gpt-neox": ("xquant",),
    "gemma3n": ("xquant",),
    "gemma4": ("xquant",),
}
TEXTS = [torch.randint(3, 97, (1, size)) for size in (90, 73)]


@pytest.fixture(scope="module", params=MODELS)
def made(request: pytest.FixtureRequest) -> tuple[str, PreTrainedModel]:
    torch.manual_seed(0)
    return request.param, MODELS[request.param]().eval()


def _profile(model: PreTrainedModel) -> HeadProfile:
    plain = KVCache(model, "recency", 1.0)
    forward(model, TEXTS[0], plain)
    weights = [
        tuple((3 * place + head) % 4 / 4 + 0.1 for head in range(layer.held[0].shape[1]))
        for place, layer in enumerate(plain.compressed)
    ]
    return HeadProfile("any", tuple(weights), "made up")


def _told(model: PreTrainedModel, cache: KVCache, ids: Tensor, mask: Tensor) -> Tensor:
    """The logits of the last token of a prompt, and of three tokens after it, one by one."""
    found = []
    for step in (ids, *torch.tensor([[5, 6, 7]]).expand(ids.shape[0], -1).split(1, 1)):
        if cache.slots:
            mask = torch.cat([mask, torch.ones_like(step)], 1)
        places = (mask.cumsum(1) - 1).clamp_min(0)[:, -step.shape[1] :]
        given: dict[str, Any] = {"attention_mask": mask, "position_ids": places}
        found.append(forward(model, step, cache, **given)[:, -1:])
    return torch.cat(found, 1)


def test_it_serves_a_padded_batch_or_says_what_the_model_lacks(
    made: tuple[str, PreTrainedModel],
) -> None:
    name, model = made
    profile = _profile(model)
    ids, mask = padded(TEXTS)
    refused = []
    place = list(MODELS).index(name)
    policies = POLICIES if "MNEMON_EVERY_POLICY" in os.environ else POLICIES[place % 8 :: 8]
    for policy in policies:
        try:
            together = KVCache(model, policy, 0.5, profile=profile)
        except InvalidInput as why:
            assert "choose another" in str(why) or "choose a policy" in str(why), policy
            refused.append(policy)
            continue
        logits = _told(model, together, ids, mask)
        alone = KVCache(model, policy, 0.5, profile=profile)
        wanted = _told(model, alone, TEXTS[1], torch.ones_like(TEXTS[1]))
        assert torch.allclose(logits[1:], wanted, atol=2e-3), policy
        assert together.lengths()[1].tolist() == alone.lengths()[0].tolist(), policy
    lacking = LACKING.get(name, ())
    assert [one for one in policies if any(word in one for word in lacking)] == refused
