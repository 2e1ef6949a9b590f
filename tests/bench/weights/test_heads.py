from __future__ import annotations

import torch

from mnemon.bench.recall import BOS, ids
from mnemon.bench.weights.heads import Head, late_heads, zeroed


def _logits(model) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.tensor([[BOS, *ids("the code for it is x01 .")]])).logits


def test_a_head_zeroed_is_one_whose_columns_add_nothing(bench) -> None:
    model, head = bench.model, Head(2, 1)
    weight = model.get_decoder().layers[2].self_attn.o_proj.weight
    before, kept = _logits(model), weight.clone()
    size = weight.shape[1] // model.config.num_attention_heads
    with zeroed(model, [head]):
        found = _logits(model)
    with torch.no_grad():
        weight[:, size : 2 * size] = 0
        torch.testing.assert_close(found, _logits(model))
        weight.copy_(kept)
    assert not torch.allclose(found, before)
    assert torch.equal(_logits(model), before)


def test_late_heads_are_those_of_the_later_half(bench) -> None:
    found = late_heads(bench.model)
    assert len(found) == len(set(found)) == 8 and {head.layer for head in found} == {2, 3}
