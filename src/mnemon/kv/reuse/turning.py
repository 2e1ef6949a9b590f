"""Kept keys turned to the places where they are used: what makes blocks independent of theirs."""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.kv.reuse.seeding import check_reusable, seeded

if TYPE_CHECKING:
    from torch import Tensor, nn
    from transformers import PreTrainedModel

    from mnemon.kv.reuse.block import Block
    from mnemon.kv.rope import Rope

_CHANGING = ("dynamic", "longrope")
_AWAY, _SAME = 37, 0.1
_tried: weakref.WeakSet[nn.Module] = weakref.WeakSet()


def check_turns(model: PreTrainedModel) -> None:
    """Raise unless some tokens alone can be computed, and turning a key is all that moving takes.

    The latter is tried, once a model: two passes over four tokens, at two places.

    Raises:
        InvalidInput: no rotary embedding, an interleaved one, one that changes with the length of
            the text, layers without it, or layers that do not keep all tokens.
    """
    if model in _tried:
        return
    check_reusable(model)
    layers = seam.decoder_layers(model)
    for layer in range(len(seam.attention_modules(model))):
        _rope(model, layer)
    kind = (getattr(seam.text_config(model), "rope_parameters", None) or {}).get("rope_type")
    if kind in _CHANGING or not _moves(model):
        raise InvalidInput(
            f"in {type(model).__name__} (rope type {kind!r}) a text's keys at two places differ by"
            " more than a known rotation: texts computed alone cannot be moved; reuse them as a"
            " prefix"
        )
    if len(layers) != len(seam.attention_modules(model)) or not all(map(_takes_places, layers)):
        raise InvalidInput(
            f"{type(model).__name__} does not hand its `layers` the places of their tokens: some"
            " tokens alone cannot be computed in it; reuse texts as a prefix"
        )
    _tried.add(model)


def _takes_places(layer: nn.Module) -> bool:
    known = inspect.signature(layer.forward).parameters
    return {"position_ids", "position_embeddings"} <= set(known)


def _moves(model: PreTrainedModel) -> bool:
    """Whether keys of the same tokens at two places differ by the rotation, and values do not."""
    ids = torch.arange(1, 5, device=model.device)[None]
    caches = [seeded(model, None), seeded(model, None)]
    for cache, start in zip(caches, (0, _AWAY), strict=True):
        places = torch.arange(start, start + 4, device=model.device)[None]
        with torch.no_grad():
            seam.forward(model, ids, cache, position_ids=places, logits_to_keep=1)
    distance = torch.full((1, 4), _AWAY, device=model.device)
    for layer, (here, there) in enumerate(zip(*(one.compressed for one in caches), strict=True)):
        keys = _rope(model, layer).shift(here.held[0], distance)
        for one, other in ((keys, there.held[0]), (here.held[1], there.held[1])):
            if float((one - other).float().norm()) > _SAME * float(other.float().norm()):
                return False
    return True


def turned(
    model: PreTrainedModel, blocks: Sequence[tuple[Block, int]], tokens: int
) -> tuple[list[Tensor], list[Tensor]]:
    """Keys and values of a text `[1, Hkv, tokens, D]` a layer, with each block at its place.

    Args:
        blocks: each with the place of its first token; elsewhere are zeros. Without any there are
            no tensors.
    """
    distance = torch.zeros(1, tokens, dtype=torch.int64, device=model.device)
    for block, at in blocks:
        distance[:, at : at + len(block)] = at - block.start
    moved = bool(distance.any())
    keys, values = list[torch.Tensor](), list[torch.Tensor]()
    for layer in range(len(blocks[0][0].keys) if blocks else 0):
        placed = _placed([(one.keys[layer], at) for one, at in blocks], tokens, model.device)
        if moved:
            placed = _rope(model, layer).shift(placed, distance)
        keys.append(placed)
        values.append(
            _placed([(one.values[layer], at) for one, at in blocks], tokens, model.device)
        )
    return keys, values


def _placed(parts: Sequence[tuple[Tensor, int]], tokens: int, device: torch.device) -> Tensor:
    heads, _, channels = parts[0][0].shape
    whole = parts[0][0].new_zeros(1, heads, tokens, channels, device=device)
    for part, at in parts:
        whole[0, :, at : at + part.shape[1]] = part
    return whole


def _rope(model: PreTrainedModel, layer: int) -> Rope:
    rope = seam.rope(model, layer)
    if rope is None:
        raise InvalidInput(
            f"{type(model).__name__} has no rotary position embedding that is known here: texts"
            " computed alone cannot be moved in it; reuse them as a prefix"
        )
    return rope
