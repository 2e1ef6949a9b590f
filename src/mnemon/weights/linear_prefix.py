"""Attention over a text and, beside it, a prefix that is only a matrix and a vector a head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch.nn import functional

from mnemon.kv import seam

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.weights.latents import Latent

_LEAST = 1e-20
"""A prefix of nothing has no weight, and its logarithm must be finite."""


class Prefix(NamedTuple):
    """Of each layer, Z `[Hkv, D, Dv]` and k `[Hkv, D]`."""

    z: tuple[Tensor, ...]
    k: tuple[Tensor, ...]


def phi(x: Tensor) -> Tensor:
    """The feature map of the official code, positive: elu(x / D ** 0.25) + 1."""
    return functional.elu(x / x.shape[-1] ** 0.25) + 1


def summed(latent: Latent, skipped: int) -> Prefix:
    """The prefix of tokens, the first `skipped` left out; float64. Sums of tokens' own parts."""
    features = [phi(keys[:, skipped:].double()) for keys in latent.keys]
    values = [one[:, skipped:].double() for one in latent.values]
    z = (one.mT @ value for one, value in zip(features, values, strict=True))
    return Prefix(tuple(z), tuple(one.sum(1) for one in features))


def layers(model: Any) -> list[Any]:
    """A model's attention layers, in order."""
    return [module for _, module in sorted(seam.attention_modules(model).items())]


class Beside:
    """The attention function of a model that has a prefix: hand it to `kv.attending`.

    numerator += phi(q) Z, denominator += phi(q) k, where both stand beside exp(q k' * scaling).
    """

    def __init__(self, modules: Sequence[Any], prefix: Prefix) -> None:
        """`modules`: the attention layers, in the prefix's order (see `layers`)."""
        self._prefix = prefix
        self._places = {module: place for place, module in enumerate(modules)}

    def __call__(
        self, module: Any, query: Tensor, key: Tensor, value: Tensor, seen: Tensor,
        scaling: float | None,
    ) -> Tensor:  # fmt: skip
        """`[B, Q, Hq, Dv]`; computed in float32."""
        groups = query.shape[1] // key.shape[1]
        key, value = (one.repeat_interleave(groups, 1).float() for one in (key, value))
        asked = query.float()
        logits = (asked @ key.mT) * (scaling or query.shape[-1] ** -0.5)
        logits = logits.masked_fill(~seen, -torch.inf)
        mass, told = self._read(self._places[module], asked, groups)
        share = torch.sigmoid(mass.log() - logits.logsumexp(-1, keepdim=True))
        out = (1 - share) * (logits.softmax(-1) @ value) + share * told / mass
        return out.transpose(1, 2).to(query.dtype).contiguous()

    def _read(self, place: int, asked: Tensor, groups: int) -> tuple[Tensor, Tensor]:
        z, k = (part[place].to(asked).repeat_interleave(groups, 0) for part in self._prefix)
        features = phi(asked)
        return (features @ k[..., None]).clamp_min(_LEAST), features @ z


def of_means(means: Sequence[Tensor], log_k: Sequence[Tensor]) -> Prefix:
    """The prefix of mean values `[Hkv, D, Dv]` of features, and logarithms of their weights."""
    k = [one.exp() for one in log_k]
    z = (mean * one[..., None] for mean, one in zip(means, k, strict=True))
    return Prefix(tuple(z), tuple(k))


def to_tensors(prefix: Prefix) -> dict[str, Tensor]:
    """By name, for a state."""
    z = {f"z.{i}": one for i, one in enumerate(prefix.z)}
    return z | {f"k.{i}": one for i, one in enumerate(prefix.k)}


def of_tensors(tensors: Any) -> Prefix:
    """The inverse of `to_tensors`; other names are left alone."""
    layers: Sequence[int] = range(sum(name.startswith("z.") for name in tensors))
    return Prefix(
        tuple(tensors[f"z.{i}"] for i in layers), tuple(tensors[f"k.{i}"] for i in layers)
    )
