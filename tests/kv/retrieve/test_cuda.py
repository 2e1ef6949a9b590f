"""On a CUDA device the slower place is the host's memory, and only a selection comes back."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
import torch
from tests.kv.models import forward, greedy, padded, text, tiny_llama
from tests.kv.profiles import keep
from torch import Tensor
from transformers import PreTrainedModel

from mnemon import methods
from mnemon.kv import Budget, KVCache

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
NAMES = methods.names("kv.retrieve")
OPTIONS = {"delta-sparse-attention": "(full_layers=1, delta_layers=1)"}


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PreTrainedModel:
    made = tiny_llama(layers=5).to("cuda")
    keep(made, tmp_path / "cache", monkeypatch)
    return made


def _policy(name: str) -> str:
    return f"recency + {name}{OPTIONS.get(name, '')} + window=8 + block=8"


def _steps(model: PreTrainedModel, cache: KVCache, ids: Tensor) -> Tensor:
    """Logits of a turn of several tokens and of single tokens after it."""
    found = [forward(model, ids[:, :-4], cache)]
    found += [forward(model, step, cache) for step in ids[:, -4:].split(1, 1)]
    return torch.cat(found, 1)


@pytest.mark.parametrize("name", NAMES)
def test_what_is_fetched_back_gives_full_attention_if_it_is_everything(
    name: str, model: PreTrainedModel
) -> None:
    ids = text(90, batch=2).to("cuda")
    full = KVCache(model, "recency", 1.0)
    forward(model, ids[:, :60], full)
    cache = KVCache(model, _policy(name), 0.4)
    forward(model, ids[:, :60], cache)
    assert cache.offloaded_nbytes > 0
    cache.budget = Budget.of(1.0)
    mine, theirs = (_steps(model, one, ids[:, 60:]) for one in (cache, full))
    assert torch.allclose(mine, theirs, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_a_padded_batch_is_as_its_sequences_alone(name: str, model: PreTrainedModel) -> None:
    texts = [text(70, seed=1).to("cuda"), text(90, seed=2).to("cuda")]
    alone = [greedy(model, one, KVCache(model, _policy(name), 48), steps=14) for one in texts]
    ids, mask = padded([one.cpu() for one in texts])
    cache = KVCache(model, _policy(name), 48)
    together = greedy(model, ids.to("cuda"), cache, steps=14, mask=mask.to("cuda"))
    assert torch.equal(together, torch.cat(alone))


@pytest.mark.parametrize("name", NAMES)
def test_sequences_can_be_reordered(name: str, model: PreTrainedModel) -> None:
    ids = torch.cat([text(80, seed=1), text(80, seed=2)]).to("cuda")
    order = torch.tensor([1, 0, 1], device="cuda")
    cache, other = (KVCache(model, _policy(name), 48) for _ in range(2))
    forward(model, ids, cache)
    cache.batch_select_indices(order)
    forward(model, ids[order], other)
    for seed in range(12):
        step = text(1, seed=seed).to("cuda").expand(3, 1)
        mine, theirs = forward(model, step, cache), forward(model, step, other)
        assert torch.allclose(mine, theirs, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_what_stands_elsewhere_takes_no_memory_of_the_device(
    name: str, model: PreTrainedModel
) -> None:
    ids = text(2000).to("cuda")
    forward(model, ids[:, :100], KVCache(model, _policy(name), 0.25))  # what the first call takes
    gc.collect()
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    cache = KVCache(model, _policy(name), 0.25)
    forward(model, ids, cache)
    gc.collect()
    held = torch.cuda.memory_allocated() - before
    assert held < cache.nbytes + 65_536
    assert cache.nbytes < cache.full_nbytes
    assert cache.nbytes + cache.offloaded_nbytes > cache.full_nbytes
