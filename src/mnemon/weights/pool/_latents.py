"""What a pool holds, as plain tensors, and as bytes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import safetensors.torch
import torch

from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.weights.pool._cache import count

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, slots=True)
class Latents:
    """A pool after some updates. Of L layers with n latents each:

    Attributes:
        tokens: `[L, n, d]`, oldest first: what each layer attends to before the text.
        born: `[L, n]`, the number of the update that made each.
        store: `[L, m, d]` on the CPU, what left the pool and can be fetched again; m is 0 where a
            method drops for good. stored: `[L, m]`, when it was made; keys: `[L, m, p]`, by which
            it is found.
        updates: how many there were.
    """

    tokens: Tensor
    born: Tensor
    store: Tensor
    stored: Tensor
    keys: Tensor
    updates: int

    @property
    def nbytes(self) -> int:
        """Of all its tensors."""
        return sum(one.nbytes for one in self._tensors().values())

    def to_bytes(self) -> bytes:
        """As a safetensors file."""
        told = {name: one.contiguous().cpu() for name, one in self._tensors().items()}
        told["updates"] = torch.tensor(self.updates)
        return bytes(safetensors.torch.save(told))

    @classmethod
    def from_bytes(cls, payload: bytes, device: Any = "cpu") -> Latents:
        """The pool of a safetensors file; what is attended goes to a device.

        Raises:
            InvalidInput: the file holds something else.
        """
        told = safetensors.torch.load(payload)
        missing = [one.name for one in fields(cls) if one.name not in told]
        if missing:
            raise InvalidInput(f"these bytes are no latent pool: they have no {missing[0]}")
        tokens, born = told.pop("tokens").to(device), told.pop("born")
        return cls(tokens, born, updates=int(told.pop("updates")), **told)

    def _tensors(self) -> dict[str, Tensor]:
        held = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: one for name, one in held.items() if isinstance(one, torch.Tensor)}


def nothing(model: Any, key: int = 0) -> Latents:
    """The empty pool of a model; keys of its store have `key` channels."""
    layers, width = count(model), seam.text_config(model).hidden_size
    like = next(model.parameters())
    return Latents(
        torch.zeros(layers, 0, width, dtype=like.dtype, device=like.device),
        torch.zeros(layers, 0, dtype=torch.int32),
        torch.zeros(layers, 0, width, dtype=like.dtype),
        torch.zeros(layers, 0, dtype=torch.int32),
        torch.zeros(layers, 0, key, dtype=like.dtype),
        0,
    )
