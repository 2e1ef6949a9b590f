"""A low-rank adapter in the layout of the peft library, merged into a torch model when it loads.

Hu et al. 2021, "LoRA", https://arxiv.org/abs/2106.09685: a linear layer's weight W [O, I] becomes
W + scale * B @ A, with A [R, I] and B [O, R]. The file is peft's `adapter_model.safetensors`; its
metadata holds what `adapter_config.json` would, and the digest of the weights that it was trained
on: another model is refused. Tensors of other names may lie beside it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mnemon.models.extras import require
from mnemon.models.tuning import unusable

PREFIX = "base_model.model."


@dataclass(frozen=True)
class Config:
    """`base` names the model and `base_digest` its adapted weights; `scale` is alpha over rank."""

    base: str
    base_digest: str
    rank: int
    scale: float


def merge(path: Path, model: Any) -> None:
    """Add an adapter to the layers of a torch model, in place.

    Raises:
        EmbedderError: it cannot be read, or was trained on other weights than the model's.
        MissingExtra: safetensors is not installed.
    """
    metadata, tensors = read(path, PREFIX)
    try:
        config = Config(**json.loads(metadata["config"]))
    except (ValueError, KeyError, TypeError) as error:
        raise unusable(path, error) from error
    layers = {name.removeprefix(PREFIX).rpartition(".lora_")[0] for name in tensors}
    modules = dict(model.named_modules())
    if missing := sorted(layers - modules.keys()):
        raise unusable(path, f"the model has no layer {missing[0]}: it is not {config.base}")
    if base_digest({name: modules[name].weight for name in layers}) != config.base_digest:
        raise unusable(path, f"it was trained on other weights than these; use {config.base}")
    for name in layers:
        low, high = (tensors[f"{PREFIX}{name}.lora_{part}.weight"].float() for part in "AB")
        weight = modules[name].weight.data
        weight += (config.scale * high @ low).to(weight)


def read(path: Path, prefix: str) -> tuple[dict[str, str], dict[str, Any]]:
    """A file's metadata, and its tensors whose names begin so.

    Raises:
        EmbedderError: it cannot be read.
        MissingExtra: safetensors is not installed.
    """
    library = require("safetensors", "safetensors", "sentence-transformers")
    try:
        with library.safe_open(path, framework="pt") as held:
            names = [name for name in held.keys() if name.startswith(prefix)]  # noqa: SIM118
            return held.metadata() or {}, {name: held.get_tensor(name) for name in names}
    except (OSError, ValueError, library.SafetensorError) as error:
        raise unusable(path, error) from error


def base_digest(weights: dict[str, Any]) -> str:
    """Of the weights [O, I] of layers, as float16, in the order of their names."""
    found = hashlib.sha256()
    for name in sorted(weights):
        found.update(name.encode())
        found.update(weights[name].detach().cpu().half().contiguous().numpy().tobytes())
    return found.hexdigest()
