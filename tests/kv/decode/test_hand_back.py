"""After fast decoding the cache goes on as if the model had decoded by itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.kv.models import forward, text, tiny_llama
from tests.kv.profiles import keep
from torch.testing import assert_close

from mnemon.errors import InvalidInput

POLICIES = [
    ("recency", 1.0),
    ("keydiff", 0.4),
    ("recency", 60),
    ("kivi(bits=4)", 0.4),
    ("tangram + graded(share=0.5)", 0.3),
]
TOKENS = 130
DEVICES = [
    "cpu",
    pytest.param(
        "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
    ),
]


@pytest.fixture(params=DEVICES)
def model(request: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    made = tiny_llama(layers=2, head_dim=64).to(request.param)
    keep(made, tmp_path / "cache", monkeypatch)
    return made


def _prefilled(model: Any, policy: str, budget: float) -> Any:
    from mnemon.kv import KVCache

    cache = KVCache(model, policy, budget)
    forward(model, text(TOKENS, batch=2).to(model.device), cache)
    return cache


def _decoded(model: Any, policy: str, budget: float, count: int) -> tuple[Any, Any, Any]:
    """A cache that was handed `count` tokens back, one that the model filled, the newest token."""
    from mnemon.kv.decode import generate, hand_back, step_over

    if model.device.type == "cuda" and ("kivi" in policy or "graded" in policy):
        pytest.skip("the low-bit kernels take heads of 128 channels in bfloat16")
    mine, theirs = (_prefilled(model, policy, budget) for _ in range(2))
    step = step_over(model, mine, room=count)
    first = text(1, batch=2, seed=3).to(model.device)
    made = generate(step, first[:, 0], count)
    hand_back(step, mine)
    for token in torch.cat([first, made[:, :-1]], 1).split(1, 1):
        forward(model, token, theirs)
    return mine, theirs, made[:, -1:]


@pytest.mark.parametrize(("policy", "budget"), POLICIES)
def test_the_cache_goes_on_as_if_the_model_had_decoded(
    policy: str, budget: float, model: Any
) -> None:
    from mnemon.kv.decode import step_over

    mine, theirs, newest = _decoded(model, policy + " + block=64", budget, 20)
    turn = torch.cat([newest, text(6, batch=2, seed=4).to(model.device)], 1)
    assert_close(forward(model, turn, mine), forward(model, turn, theirs), rtol=1e-2, atol=1e-2)
    for seed in range(10):  # by now both have compressed what was handed back
        more = text(5, batch=2, seed=seed).to(model.device)
        ours, expected = forward(model, more, mine), forward(model, more, theirs)
        assert_close(ours, expected, rtol=1e-2, atol=1e-2)
    again, token = step_over(model, mine, room=4), more[:, -1:]
    assert_close(again(token[:, 0]), forward(model, token, mine)[:, -1], rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize(("policy", "budget"), POLICIES)
def test_what_is_handed_back_is_compressed_block_by_block(
    policy: str, budget: float, model: Any
) -> None:
    mine, theirs, _ = _decoded(model, policy + " + block=32", budget, 36)
    assert mine.get_seq_length() == theirs.get_seq_length() == TOKENS + 36
    assert torch.equal(mine.lengths(), theirs.lengths())
    assert torch.equal(mine.positions, theirs.positions)
    assert (mine.nbytes, mine.full_nbytes) == (theirs.nbytes, theirs.full_nbytes)


def test_only_the_first_tokens_may_be_handed_back(model: Any) -> None:
    from mnemon.kv.decode import generate, hand_back, step_over

    cache = _prefilled(model, "keydiff", 0.4)
    step = step_over(model, cache, room=20)
    generate(step, text(2)[0].to(model.device), 12)
    with pytest.raises(InvalidInput, match="was fed 12"):
        hand_back(step, cache, count=13)
    hand_back(step, cache, count=7)
    assert cache.get_seq_length() == TOKENS + 7
    with pytest.raises(InvalidInput, match="handed back already"):
        hand_back(step, cache)


def test_what_cannot_be_handed_back_is_refused_and_changes_nothing(model: Any) -> None:
    from mnemon.kv.decode import hand_back, step_over

    token = text(2)[0].to(model.device)
    cache, other = (_prefilled(model, "keydiff", 0.4) for _ in range(2))
    step = step_over(model, cache, room=4)
    step(token)
    with pytest.raises(InvalidInput, match="does not go on from this cache"):
        hand_back(step, other)
    forward(model, token[:, None], cache)
    with pytest.raises(InvalidInput, match="gone from 130 to 131"):
        hand_back(step, cache)
    asking = _prefilled(model, "snapkv", 0.4)
    step = step_over(model, asking, room=4)
    step(token)
    with pytest.raises(InvalidInput, match="compresses new tokens by queries"):
        hand_back(step, asking)
    assert asking.get_seq_length() == TOKENS


def test_a_name_stays_what_it_is_however_often_it_is_imported() -> None:
    import importlib

    from mnemon.kv import decode

    for name in decode.__all__ * 2:
        assert callable(getattr(importlib.import_module("mnemon.kv.decode"), name))
