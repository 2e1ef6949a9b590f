"""What every retrieve method and the engine below it keep to."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest
import torch
from tests.kv.models import forward, greedy, padded, text, tiny_llama
from tests.kv.profiles import keep
from torch import Tensor

from mnemon import methods
from mnemon.errors import InvalidInput
from mnemon.kv import Budget, KVCache, Policy
from mnemon.kv.retrieve import Step

NAMES = methods.names("kv.retrieve")
OPTIONS = {"delta-sparse-attention": "(full_layers=1, delta_layers=1)"}
MODEL = tiny_llama(layers=5)


@pytest.fixture(autouse=True)
def _profiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(MODEL, tmp_path / "cache", monkeypatch)


def _policy(name: str, more: str = "window=8 + block=8") -> str:
    return f"recency + {name}{OPTIONS.get(name, '')} + {more}"


def _turns(cache: KVCache, ids: Tensor, steps: int = 6) -> Tensor:
    """Logits of a prompt, a second turn of several tokens, and single tokens after it."""
    found = [forward(MODEL, ids[:, :-steps], cache), forward(MODEL, ids[:, -steps:-3], cache)]
    found += [forward(MODEL, ids[:, place : place + 1], cache) for place in (-3, -2)]
    return torch.cat(found, 1)


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_with_it_survives_json(name: str) -> None:
    policy = Policy.of(_policy(name))
    assert Policy.from_json(policy.to_json()) == policy
    assert name in str(policy)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("other", ["snapkv", "kivi", "ada-kv", "rerotate=true"])
def test_what_would_be_ignored_is_refused(name: str, other: str) -> None:
    with pytest.raises(InvalidInput, match="keeps every token"):
        Policy.of(f"{name} + {other}")


@pytest.mark.parametrize("name", NAMES)
def test_a_budget_that_covers_everything_gives_full_attention(name: str) -> None:
    ids = text(90, batch=2)
    full = _turns(KVCache(MODEL, "recency", 1.0), ids)
    cache = KVCache(MODEL, _policy(name), 0.4)
    start = forward(MODEL, ids[:, :60], cache)
    assert cache.offloaded_nbytes > 0
    cache.budget = Budget.of(1.0)
    rest = _turns_after(cache, ids)
    assert torch.allclose(torch.cat([start, rest], 1), full, atol=1e-4)


def _turns_after(cache: KVCache, ids: Tensor) -> Tensor:
    found = [forward(MODEL, ids[:, 60:84], cache), forward(MODEL, ids[:, 84:87], cache)]
    found += [forward(MODEL, ids[:, place : place + 1], cache) for place in (87, 88)]
    return torch.cat(found, 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("budget", [0.4, 40])
def test_a_step_reads_no_more_than_the_budget(
    name: str, budget: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    method = methods.find("kv.retrieve", name)
    asked = []
    select = method.select

    def watched(self: object, step: Step, state: dict[str, object]) -> Tensor | None:
        picked = select(self, step, state)
        asked.append((step, picked))
        return picked

    monkeypatch.setattr(method, "select", watched)
    cache = KVCache(MODEL, _policy(name), budget)
    greedy(MODEL, text(80, batch=2), cache, steps=16)
    for step, picked in asked:
        if picked is None:
            assert not step.heads
            continue
        allowed = budget * 96 if isinstance(budget, float) else budget
        assert picked.shape[:2] == (2, len(step.heads))
        assert picked.shape[2] <= step.budget <= allowed - 8 - step.sinks + 1
        assert int(picked.max()) < step.tokens
        for row in picked.flatten(0, 1):
            real = row[row >= 0]
            assert len(real.unique()) == len(real)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_dropped_and_bytes_are_told_apart(name: str) -> None:
    cache = KVCache(MODEL, _policy(name), 0.25)
    greedy(MODEL, text(200), cache, steps=2)
    assert bool((cache.lengths() == 201).all())
    assert cache.nbytes < cache.full_nbytes
    assert cache.nbytes + cache.offloaded_nbytes > cache.full_nbytes
    assert cache.fetches > 0
    assert cache.fetched_nbytes > 0
    cache.reset()
    assert (cache.nbytes, cache.offloaded_nbytes, cache.fetches) == (0, 0, 0)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_deterministic_and_a_padded_batch_is_as_its_sequences_alone(name: str) -> None:
    texts = [text(70, seed=1), text(90, seed=2)]
    alone = [greedy(MODEL, one, KVCache(MODEL, _policy(name), 48), steps=14) for one in texts]
    ids, mask = padded(texts)
    together = greedy(MODEL, ids, KVCache(MODEL, _policy(name), 48), steps=14, mask=mask)
    assert torch.equal(together, torch.cat(alone))


@pytest.mark.parametrize("name", NAMES)
def test_sequences_can_be_reordered_and_taken_out(name: str) -> None:
    ids = torch.cat([text(80, seed=1), text(80, seed=2)])
    cache, other = (KVCache(MODEL, _policy(name), 48) for _ in range(2))
    forward(MODEL, ids, cache)
    cache.batch_select_indices(torch.tensor([1, 0, 1]))
    forward(MODEL, ids[[1, 0, 1]], other)
    for seed in range(12):
        step = text(1, seed=seed).expand(3, 1)
        mine, theirs = forward(MODEL, step, cache), forward(MODEL, step, other)
        assert torch.allclose(mine, theirs, atol=1e-4)
    cache.batch_select_indices(torch.tensor([2]))
    assert forward(MODEL, text(1), cache).shape[0] == 1


@pytest.mark.parametrize("name", NAMES)
def test_at_budget_one_nothing_leaves(name: str) -> None:
    cache = KVCache(MODEL, _policy(name), 1.0)
    full = greedy(MODEL, text(60), KVCache(MODEL, "recency", 1.0))
    assert torch.equal(greedy(MODEL, text(60), cache), full)
    assert (cache.offloaded_nbytes, cache.fetches) == (0, 0)


def _mapped() -> int:
    return Path("/proc/self/maps").read_text().count("mnemon-kv-")


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="mappings are read from /proc")
def test_the_file_has_no_name_and_goes_with_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "slow"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    gc.freeze()  # what others left stays: only what is made here is looked for
    before = _mapped()
    cache = KVCache(MODEL, _policy("louiskv"), 40)
    greedy(MODEL, text(80), cache, steps=12)
    assert _mapped() == before + 5
    assert list(folder.iterdir()) == []
    cache.reset()
    gc.collect()
    assert _mapped() == before
