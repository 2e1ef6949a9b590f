"""A low-rank adapter in the layout of the peft library, merged into a model when it loads.

Hu et al. 2021, "LoRA", https://arxiv.org/abs/2106.09685: a linear layer's weight W [O, I] becomes
W + scale * B @ A, with A [R, I] and B [O, R]. The file is peft's `adapter_model.safetensors`; its
metadata holds what `adapter_config.json` would, and the digest of the weights that it was trained
on: another model is refused. Tensors of other names may lie beside it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon.models.extras import require
from mnemon.models.tuning import unusable

if TYPE_CHECKING:
    import numpy as np

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
    modules = dict(model.named_modules())
    own = {name: one.weight for name, one in modules.items() if hasattr(one, "weight")}
    layers, scale = _checked(path, metadata, tensors, own)
    for name in layers:
        low, high = (tensors[f"{PREFIX}{name}.lora_{part}.weight"].float() for part in "AB")
        weight = modules[name].weight.data
        weight += (scale * high @ low).to(weight)


def merged(
    path: Path | None, weights: Mapping[str, np.ndarray], extra: str
) -> dict[str, np.ndarray]:
    """Weights by name, "layer.weight" float32 [O, I] and others, with an adapter's additions.

    Raises:
        EmbedderError, MissingExtra: as of `merge`.
    """
    found = dict(weights)
    if path is None:
        return found
    metadata, tensors = read(path, PREFIX, "np", extra)
    own = {name.removesuffix(".weight"): one for name, one in found.items() if one.ndim == 2}
    layers, scale = _checked(path, metadata, tensors, own)
    for name in layers:
        low, high = (tensors[f"{PREFIX}{name}.lora_{part}.weight"] for part in "AB")
        added = high.astype("float32") @ low.astype("float32")
        found[f"{name}.weight"] = found[f"{name}.weight"] + scale * added
    return found


def _checked(
    path: Path, metadata: Mapping[str, str], tensors: Mapping[str, Any], weights: Mapping[str, Any]
) -> tuple[list[str], float]:
    """The layers that an adapter adds to, and its scale, if these are the weights it is for."""
    try:
        config = Config(**json.loads(metadata["config"]))
    except (ValueError, KeyError, TypeError) as error:
        raise unusable(path, error) from error
    layers = {name.removeprefix(PREFIX).rpartition(".lora_")[0] for name in tensors}
    if missing := sorted(layers - weights.keys()):
        raise unusable(path, f"the model has no layer {missing[0]}: it is not {config.base}")
    if base_digest({name: weights[name] for name in layers}) != config.base_digest:
        raise unusable(path, f"it was trained on other weights than these; use {config.base}")
    return sorted(layers), config.scale


def read(
    path: Path, prefix: str, framework: str = "pt", extra: str = "sentence-transformers"
) -> tuple[dict[str, str], dict[str, Any]]:
    """A file's metadata, and its tensors whose names begin so: of torch, or "np" of numpy.

    Raises:
        EmbedderError: it cannot be read.
        MissingExtra: safetensors is not installed; `extra` brings it.
    """
    library = require("safetensors", "safetensors", extra)
    try:
        with library.safe_open(path, framework=framework) as held:
            names = [name for name in held.keys() if name.startswith(prefix)]  # noqa: SIM118
            return held.metadata() or {}, {name: held.get_tensor(name) for name in names}
    except (OSError, ValueError, library.SafetensorError) as error:
        raise unusable(path, error) from error


def base_digest(weights: Mapping[str, Any]) -> str:
    """Of the weights [O, I] of layers, torch's or numpy's, as float16, in the order of their
    names."""
    found = hashlib.sha256()
    for name in sorted(weights):
        found.update(name.encode())
        found.update(_halved(weights[name]))
    return found.hexdigest()


def _halved(weight: Any) -> bytes:
    if hasattr(weight, "detach"):
        weight = weight.detach().cpu().half().contiguous().numpy()
    told: bytes = weight.astype("<f2").tobytes()
    return told
