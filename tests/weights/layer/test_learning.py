from __future__ import annotations

import torch
from tests.kv.models import forward
from tests.weights.layer.conftest import built

from mnemon.weights.bank import attach

# A name of two tokens, twice with another second one; and a value.
FACTS = torch.tensor([[10, 20, 5, 61], [10, 21, 5, 62], [11, 20, 5, 63], [11, 21, 5, 64]])


def _right(model) -> int:
    return int((forward(model, FACTS[:, :3])[:, -1].argmax(-1) == FACTS[:, 3]).sum())


def test_a_trained_memory_knows_what_its_frozen_base_does_not(model, name) -> None:
    _, bank = built(name, model)
    model.requires_grad_(False)
    before = _right(model)
    with attach(model, bank):
        optimizer = torch.optim.Adam(bank.parameters(), lr=0.02)
        for _ in range(40):
            logits = model(FACTS[:, :3], use_cache=False).logits[:, -1]
            loss = torch.nn.functional.cross_entropy(logits, FACTS[:, 3])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert _right(model) == len(FACTS)
    assert _right(model) == before < len(FACTS)
