"""Layer budgets: what changes most keeps most, and the budget is spent."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.kv.models import text, tiny_llama
from tests.kv.views import scores, view

from mnemon.errors import InvalidInput
from mnemon.kv import Policy
from mnemon.kv.episodes.patched import Patched
from mnemon.kv.episodes.sensitivity import Sensitivity, measured


def test_layers_that_change_more_keep_more() -> None:
    seen = [view(place, 3) for place in range(3)]
    counts = Sensitivity((0.0, 0.2, 0.4), alpha=1.0).allocate(seen, scores(seen), 120)[0, :, 0]
    assert int(counts.sum()) == 60
    assert counts[0] < counts[1] < counts[2]
    assert int(counts[0]) >= 4  # a quarter of the mean, though it did not change at all


def test_keys_of_the_first_layer_do_not_change_and_later_ones_do() -> None:
    found = measured(tiny_llama(), text(96)[0], 24)
    assert len(found) == 3
    assert found[0] < 1e-6 < min(found[1:])


def test_a_text_of_one_block_tells_nothing() -> None:
    with pytest.raises(InvalidInput, match="more than one block"):
        measured(tiny_llama(), text(24)[0], 24)


def test_another_model_is_refused() -> None:
    seen = [view(place, 3) for place in range(3)]
    with pytest.raises(InvalidInput, match="2 layers were measured"):
        Sensitivity((0.1, 0.2)).allocate(seen, scores(seen), 60)


def test_the_policy_survives_json_and_says_it_is_agnostic() -> None:
    policy = Policy(score=Patched(7), allocate=Sensitivity((0.1, 0.2)), window=7)
    again = Policy.from_json(policy.to_json())
    assert again == policy
    assert again.question == "agnostic"


def test_what_the_prompt_attends_to_scores_highest() -> None:
    seen: Any = view(0, 1)
    found = Patched(8).score(seen)
    before = seen.tokens - seen.window
    assert found.shape == seen.keys.shape[:3]
    assert bool((found[..., before:] == 0).all())
    keys = seen.keys[..., :before, :].repeat_interleave(seen.groups, 1)
    weights = (seen.asked(8) @ keys.transpose(2, 3) * seen.scaling).softmax(-1)
    most = weights.unflatten(1, (seen.keys.shape[1], -1)).amax((2, 3))
    assert torch.allclose(found[..., :before], most, atol=1e-6)
