"""One contract over all optimizers: they train, keep what they say, and leave nothing behind."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial

import pytest
import torch
from tests.weights.facts import FACTS, asked, told

from mnemon import Memory, methods
from mnemon.errors import InvalidInput, MissingExtra, UnknownName, WrongDevice
from mnemon.weights import Reader, consolidate
from mnemon.weights.adapter import layer_of, parts, weights
from mnemon.weights.optimize import Part

LIBRARIES = {
    "galore": "galore_torch", "apollo": "apollo_torch", "lomo": "lomo_optim",
    "adalomo": "lomo_optim", "adamw-8bit": "bitsandbytes", "paged-adamw-8bit": "bitsandbytes",
}  # fmt: skip
OPTIONS = {"galore": {"rank": 2, "scale": 1.0}, "apollo": {"rank": 2}}
NAMES = methods.names("weights.optimize")


def _loaded(name: str):
    if name in LIBRARIES:
        pytest.importorskip(LIBRARIES[name])
    return methods.load("weights.optimize", name, **OPTIONS.get(name, {}))


def _adapters(layers: int = 4) -> list[Part]:
    drawn = torch.Generator().manual_seed(0)
    return parts({
        f"model.layers.{one}.up": (
            torch.randn(4, 8, generator=drawn), torch.randn(16, 4, generator=drawn) / 10
        )
        for one in range(layers)
    })  # fmt: skip


def _loss(given: list[Part], wanted: torch.Tensor) -> torch.Tensor:
    by = {one.name: one.tensor for one in given}
    made = sum(
        by[name.replace("_A", "_B")] @ one for name, one in by.items() if name.endswith("_A")
    )
    return (made - wanted).square().mean()


@pytest.mark.parametrize("name", NAMES)
def test_an_optimizer_trains_and_leaves_no_gradient(name: str) -> None:
    optimizer, given = _loaded(name), _adapters()
    assert json.loads(json.dumps(asdict(optimizer)))["learning_rate"] > 0
    loss = partial(_loss, given, torch.ones(16, 8))
    try:
        steps = optimizer.over(given)
    except WrongDevice as refused:
        assert refused.device == "cpu" and name in str(refused)
        return
    before = loss().item()
    told = [float(steps.step(loss, 1 - step / 40)) for step in range(40)]
    assert told[0] == pytest.approx(before) and loss().item() < before / 2
    assert all(one.tensor.grad is None for one in given)
    kept = sum(one.numel() for one in steps.kept())
    steps.close()
    assert kept <= 2.1 * sum(one.tensor.numel() for one in given)
    assert all(one.tensor.requires_grad for one in given)
    still = [one.tensor.detach().clone() for one in given]
    loss().backward()
    assert all(torch.equal(one.tensor, was) for one, was in zip(given, still, strict=True))


@pytest.mark.parametrize("name", ["adamw", "sgd", "scale", "ist"])
def test_steps_are_the_same_again(name: str) -> None:
    ends = []
    for _ in range(2):
        given = _adapters()
        steps = _loaded(name).over(given)
        for _ in range(25):
            steps.step(partial(_loss, given, torch.ones(16, 8)), 1.0)
        ends.append([one.tensor.detach().clone() for one in given])
    assert all(torch.equal(one, again) for one, again in zip(*ends, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_nothing_to_train_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="nothing to train"):
        _loaded(name).over([])


@pytest.mark.parametrize("name", [one for one in NAMES if one in LIBRARIES])
def test_a_library_that_is_not_there_is_named(name: str, monkeypatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, LIBRARIES[name], None)
    with pytest.raises(MissingExtra, match="pip install") as refused:
        methods.load("weights.optimize", name).over(_adapters())
    assert refused.value.extra == ("apollo" if name == "apollo" else "optimizers")


@pytest.mark.parametrize("name", ["galore", "apollo"])
def test_a_projection_needs_something_larger(name: str) -> None:
    pytest.importorskip(LIBRARIES[name])
    with pytest.raises(InvalidInput, match="nothing to project"):
        methods.load("weights.optimize", name, rank=4).over(_adapters())


def test_scale_moves_each_output_as_far_and_keeps_momentum_of_the_last_layer_only() -> None:
    names = ("matrix", "embedding", "output", "vector")
    tensors = [torch.zeros(3, 5), torch.zeros(3, 5), torch.zeros(3, 5), torch.zeros(4)]
    given = [
        Part(name, one.requires_grad_(), name) for name, one in zip(names, tensors, strict=True)
    ]  # fmt: skip
    slope = torch.arange(1.0, 16.0).reshape(3, 5)

    def loss() -> torch.Tensor:
        return sum((one * slope).sum() for one in tensors[:3]) + tensors[3].sum()

    steps = methods.load("weights.optimize", "scale", learning_rate=0.1).over(given)
    steps.step(loss, 1.0)
    matrix, embedding, output, vector = (one.detach() for one in tensors)
    torch.testing.assert_close(matrix.square().mean(1).sqrt(), torch.full((3,), 0.1))
    torch.testing.assert_close(embedding.square().mean(0).sqrt(), torch.full((5,), 0.1))
    torch.testing.assert_close(output, matrix)  # a first moment has the gradient's direction
    torch.testing.assert_close(vector, torch.full((4,), -0.1))
    moments = sorted(one.numel() for one in steps.kept() if one.numel() > 1)
    assert moments == [4, 4, 15]


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_scale_moves_half_precision_as_far(dtype: torch.dtype) -> None:
    drawn = torch.Generator().manual_seed(0)
    slope = torch.randn(6, 64, generator=drawn).to(dtype) / 64
    slope[3] = 0  # nothing is asked of this output
    one = torch.zeros(6, 64, dtype=dtype, requires_grad=True)
    steps = methods.load("weights.optimize", "scale", learning_rate=0.1).over(
        [Part("w", one, "matrix", 0)]
    )
    steps.step(lambda: (one * slope).sum(), 1.0)
    moved = one.detach().float().square().mean(1).sqrt()
    torch.testing.assert_close(moved[[0, 1, 2, 4, 5]], torch.full((5,), 0.1), rtol=0.01, atol=0)
    assert not one.detach()[3].any()


def test_ist_trains_a_quarter_and_prefers_the_layer_that_matters() -> None:
    given = _adapters(8)
    steps = methods.load("weights.optimize", "ist", learning_rate=0.0).over(given)
    wanted = torch.ones(16, 8)
    matters = given[5].tensor  # of layer 2

    def loss() -> torch.Tensor:
        rest = sum(one.tensor.sum() for one in given) * 0
        return (matters.mean() * 10).exp() * wanted.mean() + rest

    matters.data.fill_(-0.2)
    for _ in range(60):
        steps.step(loss, 1.0)
    active = {one.layer for one in given if one.tensor.requires_grad}
    assert len(active) == 2
    best = int(steps.scores.argmax())
    assert best == 2 and matters.mean().item() == pytest.approx(-0.2)
    mean = sum(one.numel() for one in steps.kept()) / sum(one.tensor.numel() for one in given)
    assert mean < 0.6


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ([Part("w", torch.zeros(2, 2, requires_grad=True), "matrix", 0)], "adapters only"),
        (_adapters(1), "are of 1"),
    ],
)
def test_ist_needs_adapters_of_several_layers(given: list[Part], why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        methods.load("weights.optimize", "ist").over(given)


def test_parts_of_a_model_say_what_they_are(loaded) -> None:
    every = {one.name: one for one in weights(loaded.model)}
    assert every["model.embed_tokens.weight"].role == "output"  # it is tied
    assert every["model.norm.weight"].role == "vector"
    assert every["model.layers.3.mlp.up_proj.weight"][2:] == ("matrix", 3)
    upper = weights(loaded.model, 2)
    assert {one.layer for one in upper} == {2, 3, None}
    assert all(one.role in ("matrix", "vector") for one in upper)
    assert layer_of("transformer.h.11.attn") == 11 and layer_of("lm_head") is None


def test_lora_takes_an_optimizer_and_an_offload(loaded) -> None:
    name = next(iter(FACTS))
    with Memory(":memory:", namespace="ana") as memory:
        told(memory, {name: FACTS[name]})
        done = consolidate(memory, *loaded, optimizer="scale", offload="checkpointing")
        assert not done.unlearnt and done.trained[0].header["options"]["optimizer"] == "scale"
        with Reader(memory, *loaded) as reader:
            assert reader.answer(asked(name)).text == FACTS[name]
        assert not consolidate(memory, *loaded, optimizer="scale", offload="checkpointing").trained
        assert consolidate(memory, *loaded).trained  # by the default, it is another adapter


def test_adamw_by_name_learns_what_the_default_does(loaded) -> None:
    name = next(iter(FACTS))
    figures = []
    for chosen in ({}, {"optimizer": "adamw"}):
        with Memory(":memory:", namespace="ana") as memory:
            told(memory, {name: FACTS[name]})
            (made,) = consolidate(memory, *loaded, **chosen).trained
            figures.append(made.header["figures"])
            assert ("optimizer" in made.header["options"]) == bool(chosen)
    assert figures[0]["steps"] == figures[1]["steps"]
    assert figures[0]["loss"] == pytest.approx(figures[1]["loss"], rel=1e-3)


def test_what_lora_cannot_take_is_refused(loaded) -> None:
    with Memory(":memory:", namespace="ana") as memory:
        told(memory, dict(list(FACTS.items())[:1]))
        with pytest.raises(UnknownName, match="adam"):
            consolidate(memory, *loaded, optimizer="adam")
        with pytest.raises(UnknownName, match="no option"):
            consolidate(memory, *loaded, optimizer="sgd", optimizer_options={"rate": 1})
        with pytest.raises(InvalidInput, match="say optimizer="):
            consolidate(memory, *loaded, optimizer_options={"learning_rate": 1})
        with pytest.raises(InvalidInput, match="leaves a model as it was"):
            consolidate(memory, *loaded, offload="fully-shard")
        with pytest.raises(WrongDevice, match="host's memory already"):
            consolidate(memory, *loaded, offload="save-on-cpu")
        assert not any(hasattr(one, "lora_A") for one in loaded.model.modules())
