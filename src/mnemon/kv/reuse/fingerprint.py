"""What decides the keys and values of a text, as one digest: the same in every process."""

from __future__ import annotations

import hashlib
import json
import weakref
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from mnemon.kv import seam

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel

LAYOUT = 1
"""Raised when what is kept changes its form: old blobs are then never read."""
_SAMPLE = 64
_known: weakref.WeakKeyDictionary[nn.Module, tuple[str, dict[str, str]]] = (
    weakref.WeakKeyDictionary()
)


_tokenizers: weakref.WeakKeyDictionary[Any, tuple[str, str]] = weakref.WeakKeyDictionary()


@dataclass(frozen=True)
class Fingerprint:
    """Everything beside the tokens that decides keys and values.

    Attributes:
        digest: SHA-256 in hex over `parts`.
        parts: `weights` and `adapter` (digests of the tensors), `tokenizer`, `rope`, `dtype`,
            `architecture`, `layout`.
    """

    digest: str
    parts: Mapping[str, Any]


def fingerprint(model: PreTrainedModel, tokenizer: Any = None) -> Fingerprint:
    """The fingerprint of a model as it is now.

    All weights are read once; later calls look at a sample of each tensor (64 numbers) and read
    all again if any of it changed, as training or another adapter changes it. So with a tokenizer:
    later calls look at its size, special tokens and template.

    Args:
        tokenizer: of transformers; its vocabulary and rules become part of the digest.
    """
    config = seam.text_config(model)
    parts = {
        **_weights(model),
        "tokenizer": None if tokenizer is None else _tokenizer(tokenizer),
        "rope": getattr(config, "rope_parameters", None) or getattr(config, "rope_scaling", None),
        "dtype": str(model.dtype),
        "architecture": type(model).__name__,
        "layout": LAYOUT,
    }
    told = json.dumps(parts, sort_keys=True, default=str)
    return Fingerprint(hashlib.sha256(told.encode()).hexdigest(), parts)


def tokenizer_digest(tokenizer: Any) -> str:
    """SHA-256 over a tokenizer's rules and vocabulary."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    told = backend.to_str() if backend is not None else json.dumps(sorted(tokenizer.get_vocab()))
    special = json.dumps(tokenizer.special_tokens_map, sort_keys=True, default=str)
    template = json.dumps(getattr(tokenizer, "chat_template", None), sort_keys=True)
    return hashlib.sha256("\0".join((told, special, template)).encode()).hexdigest()


def _tokenizer(tokenizer: Any) -> str:
    """Its digest, made anew if its size, special tokens or template changed."""
    template = getattr(tokenizer, "chat_template", None)
    state = json.dumps([len(tokenizer), tokenizer.special_tokens_map, template], default=str)
    known = _tokenizers.get(tokenizer)
    if known is None or known[0] != state:
        known = _tokenizers[tokenizer] = (state, tokenizer_digest(tokenizer))
    return known[1]


def _weights(model: PreTrainedModel) -> dict[str, str]:
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    sample = _together({name: _sampled(one) for name, one in tensors.items()})
    known = _known.get(model)
    if known is not None and known[0] == sample:
        return known[1]
    adapter = {name for name in tensors if "lora_" in name or ".adapter" in name}
    with ThreadPoolExecutor() as pool:
        digests = dict(zip(tensors, pool.map(_digest, tensors.values()), strict=True))
    parts = {
        "weights": _together({n: one for n, one in digests.items() if n not in adapter}),
        "adapter": _together({n: one for n, one in digests.items() if n in adapter}),
    }
    _known[model] = (sample, parts)
    return parts


def _together(digests: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(sorted(digests.items())).encode()).hexdigest()


def _sampled(tensor: Tensor) -> str:
    flat = tensor.detach().reshape(-1)
    return _digest(flat[:: max(1, flat.numel() // _SAMPLE)])


def _digest(tensor: Tensor) -> str:
    flat = tensor.detach().reshape(-1).contiguous().cpu()
    told = hashlib.sha256(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
    if flat.numel():
        told.update(flat.view(torch.uint8).numpy().data)
    return told.hexdigest()
