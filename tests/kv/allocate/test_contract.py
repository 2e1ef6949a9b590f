"""What every allocator keeps to, whatever its idea."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import pytest
import torch
from tests.kv.models import greedy, text, tiny_llama
from tests.kv.profiles import keep
from tests.kv.views import scores, view
from transformers import PreTrainedModel

from mnemon import methods
from mnemon.kv import KVCache, Policy

NAMES = methods.names("kv.allocate")
L, H, C, SINKS = 3, 2, 64, 2


@cache
def _model() -> PreTrainedModel:
    return tiny_llama()


def _views(batch: int = 1) -> list:
    return [view(place, L, batch, sharpness=4.0 * place) for place in range(L)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("total", [SINKS * L * H, 100, 101, 239, L * H * C, L * H * C + 50])
def test_counts_spend_the_budget_and_no_more(name: str, total: int) -> None:
    method, seen = methods.load("kv.allocate", name), _views(batch=2)
    counts = method.allocate(seen, scores(seen), total)
    assert counts.shape == (2, L, H)
    assert counts.dtype == torch.int64
    spent = counts.sum((1, 2))
    most = min(total, L * H * C)
    slack = 0 if method.ragged else (L * H if name == "uniform" else H) - 1
    assert bool(((spent <= most) & (spent >= most - slack)).all())
    assert int(counts.max()) <= C
    assert int(counts.min()) >= SINKS
    if not method.ragged:
        assert bool((counts == counts[..., :1]).all())


@pytest.mark.parametrize("name", NAMES)
def test_counts_are_the_same_twice_and_of_each_sequence_alone(name: str) -> None:
    method, seen = methods.load("kv.allocate", name), _views()
    once, again = (method.allocate(seen, scores(seen), 150) for _ in range(2))
    assert torch.equal(once, again)


@pytest.mark.parametrize("name", [name for name in NAMES if name != "uniform"])
def test_rows_that_hold_less_are_not_given_more(name: str) -> None:
    method, seen = methods.load("kv.allocate", name), _views()
    found = scores(seen)
    found[1][..., 20:] = float("-inf")
    counts = method.allocate(seen, found, 300)
    assert int(counts[:, 1].max()) <= 20
    assert int(counts.sum()) == min(300, 2 * H * C + 20 * H)


@pytest.mark.parametrize("name", NAMES)
def test_a_policy_with_it_survives_json(name: str) -> None:
    policy = Policy.of(f"snapkv + {name}")
    assert Policy.from_json(policy.to_json()) == policy
    assert json.loads(policy.to_json())["allocate"]["name"] == name


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("budget", [0.5, 40])
def test_a_model_generates_within_the_budget(
    name: str, budget: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = _model()
    keep(model, tmp_path, monkeypatch)
    held = KVCache(model, f"snapkv(window_size=8) + {name} + block=8 + window=8", budget)
    assert greedy(model, text(80, batch=2), held, steps=14).shape == (2, 14)
    lengths = held.lengths().float().mean((1, 2))
    allowed = budget * 93 if isinstance(budget, float) else budget
    assert bool((lengths <= allowed + 8).all())


@pytest.mark.parametrize("name", NAMES)
def test_at_budget_one_nothing_changes(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = _model()
    keep(model, tmp_path, monkeypatch)
    found = greedy(model, text(40), KVCache(model, f"snapkv + {name}", 1.0))
    assert torch.equal(found, _full())


@cache
def _full() -> torch.Tensor:
    return greedy(_model(), text(40), KVCache(_model(), "recency", 1.0))
