"""The models that training is measured on: those in the package, and shapes of random weights.

A shape has the layers of a model that people use, and weights that mean nothing: bytes and seconds
depend on the layers alone, and nothing is downloaded. It reads the tokens of the bundled tokenizer,
which are the first of its vocabulary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mnemon.bench import device as devices
from mnemon.errors import UnknownName
from mnemon.methods import nearest
from mnemon.models import recall_lm
from mnemon.models.extras import require


@dataclass(frozen=True)
class Shape:
    """Numbers of a Llama with a tied embedding, and of a batch that it is trained on."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocabulary: int
    batch: int
    length: int


SHAPES = {
    "llama-1b": Shape(16, 2048, 32, 8, 64, 8192, 128256, batch=8, length=512),
    "llama-mini": Shape(4, 64, 4, 2, 16, 256, 4096, batch=4, length=64),
}
"""Llama 3.2 1B; and a tiny one of the same make, for smoke tests."""
MODELS = ("nano", "recall-lm", *SHAPES)


@dataclass(frozen=True)
class Base:
    """Which model, where, and in which dtype: by default float32 on the CPU, else bfloat16."""

    model: str = "nano"
    device: str = "cpu"
    dtype: str | None = None

    @property
    def shape(self) -> Shape | None:
        """Of random weights; None of a model in the package."""
        return SHAPES.get(self.model)

    @property
    def kind(self) -> str:
        """The dtype that is taken."""
        return self.dtype or ("float32" if self.device == "cpu" else "bfloat16")

    def check(self) -> None:
        """Raises UnknownName of a model that is not there, WrongDevice of a device."""
        if self.model not in MODELS:
            raise UnknownName(
                f"no model is called {self.model!r}: {nearest(self.model, list(MODELS))}"
            )
        devices.check(self.device)


def load(base: Base) -> recall_lm.Loaded:
    """A model in evaluation mode, and its tokenizer; random weights are drawn by torch's seed.

    Raises:
        UnknownName: no such model. WrongDevice: no such device here.
        InvalidInput: no such dtype. MissingExtra: torch or transformers is not installed.
    """
    base.check()
    if base.shape is None:
        return recall_lm.load(nano=base.model == "nano", dtype=base.kind, device=base.device)
    torch = require("torch", "torch", "kv")
    transformers = require("transformers", "transformers", "kv")
    tokenizer = transformers.PreTrainedTokenizerFast.from_pretrained(
        recall_lm.path(nano=True), local_files_only=True
    )
    return recall_lm.Loaded(fresh(_config(base.shape), base.device, getattr(torch, base.kind)),
                            tokenizer)  # fmt: skip


def fresh(config: Any, device: Any, dtype: Any) -> Any:
    """A Llama of random weights, made where it is to be."""
    torch = require("torch", "torch", "kv")
    transformers = require("transformers", "transformers", "kv")
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            return transformers.LlamaForCausalLM(config).eval()
    finally:
        torch.set_default_dtype(before)


def _config(shape: Shape) -> Any:
    transformers = require("transformers", "transformers", "kv")
    rope = {
        "rope_type": "llama3", "rope_theta": 500000.0, "factor": 32.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192,
    }  # fmt: skip
    return transformers.LlamaConfig(
        hidden_size=shape.hidden, intermediate_size=shape.ffn, num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads, num_key_value_heads=shape.kv_heads,
        head_dim=shape.head_dim, vocab_size=shape.vocabulary, max_position_embeddings=131072,
        rms_norm_eps=1e-5, rope_parameters=rope, tie_word_embeddings=True,
        attn_implementation="sdpa", bos_token_id=None, eos_token_id=None,
    )  # fmt: skip
