"""Files: a folder of the model hub's → an encoder in memory."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mnemon.errors import EmbedderError, InvalidInput
from mnemon.models import lora
from mnemon.models.extras import require
from mnemon.models.transformer.encoder import Encoder
from mnemon.models.transformer.layers import Layer, Linear, Norm
from mnemon.models.transformer.layouts import LAYOUTS, Layout
from mnemon.models.wordpiece import WordPiece

Weights = Mapping[str, np.ndarray]

_EXTRA = "encoders"
_NEEDED = ("model_type", "hidden_act", "num_hidden_layers", "num_attention_heads", "layer_norm_eps")


def opened(folder: Path, adapter: Path | None, longest: int) -> Encoder:
    """The encoder of a folder, with an adapter (`mnemon.models.lora`) merged into it if there is
    one; of a text `longest` word-pieces are read, those at its ends included.

    Raises:
        EmbedderError: there is no such model, or the adapter is not for it.
        MissingExtra: safetensors is not installed.
    """
    config = _config(folder)
    layout = LAYOUTS[config["model_type"]]
    weights = lora.merged(adapter, _tensors(folder), _EXTRA)
    pieces, ends = _vocabulary(folder, layout)
    try:
        layers = [
            _layer(weights, f"encoder.layer.{number}.", layout)
            for number in range(config["num_hidden_layers"])
        ]
        return Encoder(
            pieces, ends, weights["embeddings.word_embeddings.weight"],
            _places(weights, layout)[:longest], _norm(weights, "embeddings.LayerNorm"), layers,
            config["num_attention_heads"], config["layer_norm_eps"],
            None if layout.distances is None else weights[layout.distances],
        )  # fmt: skip
    except KeyError as error:
        raise _unusable(folder, f"its weights have no {error}") from error


def _config(folder: Path) -> dict[str, Any]:
    try:
        config: dict[str, Any] = json.loads((folder / "config.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _unusable(folder, error) from error
    if missing := [name for name in _NEEDED if name not in config]:
        raise _unusable(folder, f"its config.json has no {missing[0]}")
    if config["model_type"] not in LAYOUTS or config["hidden_act"] != "gelu":
        told = f"{config['model_type']} with {config['hidden_act']}"
        raise _unusable(folder, f"it is a {told}, and {' or '.join(LAYOUTS)} with gelu can be read")
    return config


def _vocabulary(folder: Path, layout: Layout) -> tuple[WordPiece, tuple[int, int]]:
    try:
        lines = (folder / "vocab.txt").read_text("utf-8").removesuffix("\n").split("\n")
        first, last = (lines.index(one) for one in layout.ends)
        return WordPiece(lines), (first, last)
    except (OSError, ValueError, InvalidInput) as error:
        raise _unusable(folder, error) from error


def _tensors(folder: Path) -> dict[str, np.ndarray]:
    library = require("safetensors", "safetensors", _EXTRA)
    numpy = require("safetensors.numpy", "safetensors", _EXTRA)
    try:
        found: dict[str, np.ndarray] = numpy.load_file(folder / "model.safetensors")
    except (OSError, ValueError, library.SafetensorError) as error:
        raise _unusable(folder, error) from error
    return {
        name: np.asarray(tensor, np.float32)
        for name, tensor in found.items()
        if tensor.dtype.kind == "f"
    }


def _places(weights: Weights, layout: Layout) -> np.ndarray:
    places = weights["embeddings.position_embeddings.weight"][layout.first :]
    return places if layout.kinds is None else places + weights[layout.kinds][0]


def _layer(weights: Weights, name: str, layout: Layout) -> Layer:
    asks = [_linear(weights, f"{name}{one}") for one in layout.asks]
    matrices, biases = zip(*asks, strict=True)
    return Layer(
        (np.concatenate(matrices, axis=1), np.concatenate(biases)),
        _linear(weights, f"{name}{layout.told}"),
        _norm(weights, f"{name}{layout.told_norm}"),
        _linear(weights, f"{name}intermediate.dense"),
        _linear(weights, f"{name}output.dense"),
        _norm(weights, f"{name}output.LayerNorm"),
    )


def _linear(weights: Weights, name: str) -> Linear:
    return np.ascontiguousarray(weights[f"{name}.weight"].T), weights[f"{name}.bias"]


def _norm(weights: Weights, name: str) -> Norm:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def _unusable(folder: Path, why: object) -> EmbedderError:
    return EmbedderError(
        f"{str(folder)!r} cannot be loaded ({why}): give a folder with config.json, vocab.txt and "
        "model.safetensors, as the model hub has it"
    )
