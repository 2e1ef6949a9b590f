"""A model folder as transformers reads it: weights, config, tokenizer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from mnemon.bench.recall.vocabulary import BOS, EOS, PAD, SIZE, SPECIAL, UNKNOWN, words
from mnemon.bench.recall_lm_training.model import EPSILON
from mnemon.bench.recall_lm_training.recipe import Shape
from mnemon.errors import InvalidInput
from mnemon.models.extras import require


def weights(model: nn.Module, folder: Path) -> None:
    """Write model.safetensors, in bfloat16; whole, or not at all."""
    save_file = require("safetensors.torch", "safetensors", "kv").save_file
    state = {
        name: value.detach().to("cpu", torch.bfloat16).contiguous()
        for name, value in model.state_dict().items()
    }
    unfinished = folder / "model.safetensors.part"
    save_file(state, str(unfinished), metadata={"format": "pt"})
    unfinished.replace(folder / "model.safetensors")


def read_weights(model: nn.Module, folder: Path) -> None:
    """Take the weights of a folder.

    Raises:
        InvalidInput: there are none, or of another shape.
    """
    file = folder / "model.safetensors"
    if not file.is_file():
        raise InvalidInput(f"{folder} is no model folder: there is no {file.name}")
    state = require("safetensors.torch", "safetensors", "kv").load_file(file)
    here, there = _shapes(model.state_dict()), _shapes(state)
    if here != there:
        other = sorted(name for name in here | there if here.get(name) != there.get(name))
        raise InvalidInput(f"{folder} holds a model of another shape (see {other[0]})")
    model.load_state_dict(state)


def _shapes(state: Mapping[str, torch.Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(value.shape) for name, value in state.items()}


def config(shape: Shape, folder: Path) -> None:
    """Write config.json."""
    rope = {"rope_type": "default", "rope_theta": shape.theta}
    told = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": SIZE,
        "hidden_size": shape.hidden,
        "intermediate_size": shape.intermediate,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads,
        "head_dim": shape.head_dim,
        "hidden_act": "silu",
        "max_position_embeddings": shape.positions,
        "rms_norm_eps": EPSILON,
        "rope_parameters": rope,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "bos_token_id": BOS,
        "eos_token_id": EOS,
        "pad_token_id": PAD,
        "dtype": "bfloat16",
        "use_cache": True,
    }
    _write(told, folder / "config.json")


def tokenizer(shape: Shape, folder: Path) -> None:
    """Write tokenizer.json and tokenizer_config.json: a word is a token."""
    library: Any = require("tokenizers", "tokenizers", "kv")
    numbers = {word: number for number, word in enumerate(words())}
    unknown = SPECIAL[UNKNOWN]
    made = library.Tokenizer(library.models.WordLevel(numbers, unk_token=unknown))
    made.pre_tokenizer = library.pre_tokenizers.WhitespaceSplit()
    made.add_special_tokens(list(SPECIAL))
    made.save(str(folder / "tokenizer.json"))
    named = zip(("pad_token", "bos_token", "eos_token", "unk_token"), SPECIAL, strict=True)
    told = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        **dict(named),
        "model_max_length": shape.positions,
        "clean_up_tokenization_spaces": False,
    }
    _write(told, folder / "tokenizer_config.json")


def _write(told: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
