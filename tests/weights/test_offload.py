from __future__ import annotations

import pytest
import torch

from mnemon import methods
from mnemon.bench.consolidation.meter import Meter
from mnemon.errors import WrongDevice
from mnemon.models import recall_lm
from mnemon.weights.adapter import weights

IDS = torch.arange(40).reshape(2, 20) + 100


def _trained(model, offload: str | None, **options) -> tuple[float, dict[str, torch.Tensor], int]:
    """A loss, its gradients, and the bytes of activations."""
    meter = Meter(model, weights(model))

    def loss() -> torch.Tensor:
        return model(IDS, labels=IDS, use_cache=False).loss

    with meter.watching():
        if offload is None:
            found = meter.loss(loss)()
            found.backward()
        else:
            layers = model.get_decoder().layers
            with methods.load("weights.offload", offload, **options).during(layers):
                found = meter.loss(loss)()
                found.backward()
    gradients = {name: one.grad for name, one in model.named_parameters()}
    model.zero_grad()
    return float(found.detach()), gradients, meter.activations


def test_checkpointing_computes_the_same_and_holds_less(loaded) -> None:
    loss, gradients, held = _trained(loaded.model, None)
    again, others, less = _trained(loaded.model, "checkpointing")
    assert again == loss and less < held / 2
    assert all(torch.equal(one, others[name]) for name, one in gradients.items())
    assert not any("forward" in vars(one) for one in loaded.model.modules())


def test_layers_are_as_they_were_after_an_error(loaded) -> None:
    layers = loaded.model.get_decoder().layers
    with (
        pytest.raises(ZeroDivisionError),
        methods.load("weights.offload", "checkpointing").during(layers),
    ):
        raise ZeroDivisionError
    assert not any("forward" in vars(one) for one in layers)


def test_fully_shard_computes_the_same(loaded) -> None:
    torch.distributed.is_available() or pytest.skip("torch has no distributed package here")
    loss, gradients, _ = _trained(loaded.model, None)
    own = recall_lm.load(nano=True).model  # a sharded model stays so
    again, others, _ = _trained(own, "fully-shard", cpu_offload=False)
    assert again == pytest.approx(loss)
    one = others["model.layers.0.mlp.up_proj.weight"].to_local()
    torch.testing.assert_close(one, gradients["model.layers.0.mlp.up_proj.weight"])
    assert not torch.distributed.is_initialized()


def test_what_is_sharded_is_counted_where_it_is() -> None:
    torch.distributed.is_available() or pytest.skip("torch has no distributed package here")
    model = recall_lm.load(nano=True).model
    whole = Meter(model, weights(model)).weights
    layers = model.get_decoder().layers
    with methods.load("weights.offload", "fully-shard", cpu_offload=False).during(layers):
        assert Meter(model, weights(model)).weights == whole


@pytest.mark.parametrize("name", ["fully-shard", "save-on-cpu"])
def test_what_is_on_the_host_is_not_offloaded_to_it(loaded, name: str) -> None:
    layers = loaded.model.get_decoder().layers
    with (
        pytest.raises(WrongDevice, match="on cpu"),
        methods.load("weights.offload", name).during(layers),
    ):
        raise AssertionError("it began")
