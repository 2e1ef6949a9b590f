"""peft's layout: the names of an adapter's tensors, its config, its bytes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import safetensors.torch

from mnemon.models.extras import require

if TYPE_CHECKING:
    from torch import Tensor

PREFIX = "base_model.model."


def named(deltas: Mapping[str, tuple[Tensor, Tensor]]) -> dict[str, Tensor]:
    """Copies of A `[R, I]` and B `[O, R]` of each layer by peft's names, in float16."""
    made = {}
    for layer, (low, high) in deltas.items():
        for part, one in (("A", low), ("B", high)):
            kept = one.detach().half().cpu().clone().contiguous()
            made[f"{PREFIX}{layer}.lora_{part}.weight"] = kept
    return made


def to_bytes(tensors: Mapping[str, Tensor]) -> bytes:
    """As the file `adapter_model.safetensors` has them."""
    return bytes(safetensors.torch.save(dict(tensors), {"format": "pt"}))


def scale(config: Mapping[str, Any]) -> float:
    """What a config of ours multiplies B A by."""
    return float(config["lora_alpha"] / config["r"])


def deltas(payload: bytes, scale: float, like: Tensor) -> dict[str, tuple[Tensor, Tensor]]:
    """A `[1, R, I]` and B `[1, O, R]` of each layer, B times the scale; in the dtype and on the
    device of a tensor."""
    tensors = safetensors.torch.load(payload)
    layers = {name.removeprefix(PREFIX).rpartition(".lora_")[0] for name in tensors}
    return {
        layer: (
            tensors[f"{PREFIX}{layer}.lora_A.weight"].to(like)[None],
            scale * tensors[f"{PREFIX}{layer}.lora_B.weight"].to(like)[None],
        )
        for layer in sorted(layers)
    }


def config(
    layers: Iterable[str], first: int, base: str, *, r: int, lora_alpha: int
) -> dict[str, Any]:
    """`adapter_config.json` for layers of a model from the index `first` on, as JSON data."""
    peft = require("peft", "peft", "weights")
    names = sorted({name.rpartition(".")[2] for name in layers})
    numbers = {int(part) for name in layers for part in name.split(".") if part.isdigit()}
    told = peft.LoraConfig(
        task_type="CAUSAL_LM", inference_mode=True, base_model_name_or_path=base, r=r,
        lora_alpha=lora_alpha, target_modules=names, layers_pattern="layers",
        layers_to_transform=sorted(one for one in numbers if one >= first),
    ).to_dict()  # fmt: skip
    plain = {name: getattr(one, "value", one) for name, one in told.items()}
    return {name: sorted(one) if isinstance(one, set) else one for name, one in plain.items()}


def layers(config: Mapping[str, Any], modules: Iterable[str]) -> list[str]:
    """The layers among a model's modules that a config of ours names."""
    numbers, targets = config["layers_to_transform"], set(config["target_modules"])
    found = []
    for name in modules:
        parts = name.split(".")
        if parts[-1] in targets and any(p.isdigit() and int(p) in numbers for p in parts):
            found.append(name)
    return found
