"""What only a CUDA device runs, beside the same without it."""

from __future__ import annotations

import pytest
import torch
from tests.weights.facts import FACTS, asked, told

from mnemon import Memory, methods
from mnemon.bench import bases
from mnemon.bench.bases import Base
from mnemon.weights import Reader, consolidate
from mnemon.weights.adapter import weights

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")


def _stepped(method: str, offload: str | None = None, steps: int = 3) -> list[torch.Tensor]:
    """The losses of some steps over all weights of a small model."""
    torch.manual_seed(0)
    model = bases.load(Base("llama-mini", "cuda", "float32")).model
    ids = torch.arange(400, device="cuda").reshape(4, 100)
    layers = model.get_decoder().layers
    chosen = None if offload is None else methods.load("weights.offload", offload)
    found = []

    def loss() -> torch.Tensor:
        return model(ids, labels=ids, use_cache=False).loss

    def run() -> None:
        rate = {"learning_rate": 0.1 if method == "lomo" else 0.01}
        stepping = methods.load("weights.optimize", method, **rate).over(weights(model))
        found.extend(stepping.step(loss, 1.0).cpu() for _ in range(steps))
        stepping.close()

    if chosen is None:
        run()
    else:
        with chosen.during(layers):
            run()
    return found


def test_offloads_compute_the_same() -> None:
    plain = _stepped("adamw")
    assert plain[-1] < plain[0]
    for name in ("checkpointing", "save-on-cpu", "fully-shard"):
        torch.testing.assert_close(_stepped("adamw", name), plain, rtol=1e-4, atol=1e-4)


def test_optimizers_that_need_the_device_train() -> None:
    for name in ("adalomo", "paged-adamw-8bit", "adamw-8bit", "lomo", "scale"):
        losses = _stepped(name, steps=10)
        assert losses[-1] < losses[0], name
    torch.testing.assert_close(
        _stepped("paged-adamw-8bit"), _stepped("adamw-8bit"), rtol=1e-4, atol=1e-4
    )


def test_facts_are_trained_and_answered_on_the_device() -> None:
    name = next(iter(FACTS))
    for dtype in ("float32", "bfloat16"):
        model, tokenizer = bases.load(Base("nano", "cuda", dtype))
        for chosen in ({}, {"optimizer": "adamw", "offload": "save-on-cpu"}):
            with Memory(":memory:", namespace="ana") as memory:
                told(memory, {name: FACTS[name]})
                done = consolidate(memory, model, tokenizer, **chosen)
                assert not done.unlearnt, (dtype, chosen)
                with Reader(memory, model, tokenizer) as reader:
                    assert reader.answer(asked(name)).text == FACTS[name], (dtype, chosen)
