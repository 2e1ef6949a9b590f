"""Latents before a text, through transformers' public seams: a cache layer that begins with them.

A layer attends to the keys and values that it would make of latents if they stood before the text:
its own norm and projections, at positions from 0 on. Two hooks of `torch.nn.Module` show a layer's
input to the cache that is passed (to choose latents by it) and its output (to make new ones).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from torch import nn
from transformers.cache_utils import Cache, DynamicLayer

from mnemon.errors import InvalidInput
from mnemon.kv import seam

if TYPE_CHECKING:
    from torch import Tensor

Choose: TypeAlias = "Callable[[Tensor], Tensor]"
"""From a layer's normed input `[B, T, d]` to the latents `[B, n, d]` that it attends to."""

_watched: weakref.WeakSet[nn.Module] = weakref.WeakSet()


class LatentLayer(DynamicLayer):
    """A cache layer whose first `length` tokens are latents, made when they are first needed."""

    def __init__(self, project: Callable[[Tensor], tuple[Tensor, Tensor]], length: int) -> None:
        super().__init__()
        self._project, self._length = project, length
        self._choose: Choose | None = None

    def fill(self, latents: Tensor) -> None:
        """Begin with latents `[B, n, d]`."""
        if latents.shape[1]:
            keys, values = self._project(latents)
            self.lazy_initialization(keys, values)
            self.keys, self.values = keys, values

    def ask(self, choose: Choose) -> None:
        """Begin with what a function chooses when it sees the first text."""
        self._choose = choose

    def observe(self, hidden: Tensor) -> None:
        """Choose by this layer's normed input `[B, T, d]`, if that is still to be done."""
        if self._choose is not None:
            choose, self._choose = self._choose, None
            self.fill(choose(hidden))

    def get_seq_length(self) -> int:
        """Tokens held, or to be held once the latents are chosen."""
        return self._length if self._choose is not None else super().get_seq_length()


class LatentCache(Cache):
    """A cache that begins with latents.

    Attributes:
        seen: of each layer, the normed input `[B, T, d]` of the last pass.
        kept: of each layer, the last `keep` outputs `[B, keep, d]` of the last pass, if any.
    """

    def __init__(self, layers: Sequence[LatentLayer], keep: int = 0) -> None:
        super().__init__(layers=list(layers))
        self.keep, self._begins = keep, list(layers)
        self.seen: list[Any] = [None] * len(layers)
        self.kept: list[Any] = [None] * len(layers)

    def observe(self, layer: int, hidden: Any) -> None:
        """See a layer's normed input `[B, T, d]`, before its keys are made."""
        self.seen[layer] = hidden
        self._begins[layer].observe(hidden)


def before(model: Any, latents: Sequence[Tensor], keep: int = 0) -> LatentCache:
    """A cache that begins with latents, `[B, n, d]` of each layer."""
    layers = _layers(model, latents[0].shape[1])
    for layer, some in zip(layers, latents, strict=True):
        layer.fill(some)
    return LatentCache(layers, keep)


def choosing(model: Any, choices: Sequence[Choose], length: int) -> LatentCache:
    """A cache whose layers choose the `length` latents they begin with by the text that comes."""
    layers = _layers(model, length)
    for layer, choose in zip(layers, choices, strict=True):
        layer.ask(choose)
    return LatentCache(layers)


def written(model: Any, latents: Sequence[Tensor], ids: Tensor, keep: int) -> list[Tensor]:
    """Each layer's last `keep` outputs `[B, keep, d]` for ids `[B, T]` after latents; all T if
    they are fewer."""
    cache = before(model, latents, keep)
    given = seam.with_cache(model.get_decoder(), {"input_ids": ids, "use_cache": True}, cache)
    model.get_decoder()(**given)
    return list(cache.kept)


def normed(model: Any, layer: int, latents: Tensor) -> Tensor:
    """Latents as a layer's attention sees them.

    Raises:
        InvalidInput: the model normalizes in a way that is not known here.
    """
    norm = getattr(seam.decoder_layers(model)[layer], "input_layernorm", None)
    if norm is None:
        raise InvalidInput(
            f"{type(model).__name__} has no `input_layernorm` in its layers: latent pools need it"
        )
    out: Tensor = norm(latents)
    return out


def count(model: Any) -> int:
    """How many layers a model has.

    Raises:
        InvalidInput: its decoder does not name them `layers`.
    """
    if not (found := len(seam.decoder_layers(model))):
        raise InvalidInput(f"the layers of {type(model).__name__} are not known: it takes no pool")
    return found


def _layers(model: Any, length: int) -> list[LatentLayer]:
    _watch(model)
    return [LatentLayer(_projecting(model, layer), length) for layer in range(count(model))]


def _projecting(model: Any, layer: int) -> Callable[[Tensor], tuple[Tensor, Tensor]]:
    made = seam.projection(model, layer)

    def project(latents: Tensor) -> tuple[Tensor, Tensor]:
        inward = normed(model, layer, latents)
        positions = torch.arange(latents.shape[1], device=latents.device)[None]
        keys = made.keys(made.key(inward), positions.expand(len(latents), -1))
        return keys, made.values(made.value(inward))

    return project


def _watch(model: Any) -> None:
    """Show inputs and outputs of layers to our caches; done once a model, with others it does
    nothing."""
    if model in _watched:
        return
    for index, module in seam.attention_modules(model).items():
        module.register_forward_pre_hook(_observing(index), with_kwargs=True)
    for index, layer in enumerate(seam.decoder_layers(model)):
        layer.register_forward_hook(_keeping(index), with_kwargs=True)
    _watched.add(model)


def _observing(index: int) -> Any:
    def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        cache = seam.cache_of(kwargs)
        if isinstance(cache, LatentCache):
            cache.observe(index, kwargs.get("hidden_states", args[0] if args else None))

    return hook


def _keeping(index: int) -> Any:
    def hook(
        module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any
    ) -> None:  # fmt: skip
        cache = seam.cache_of(kwargs)
        if isinstance(cache, LatentCache) and cache.keep:
            hidden = output[0] if isinstance(output, tuple) else output
            cache.kept[index] = hidden[:, -cache.keep :]

    return hook
