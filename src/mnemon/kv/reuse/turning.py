"""Kept keys turned to the places where they are used: what makes blocks independent of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.kv.reuse.seeding import check_reusable

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from mnemon.kv.reuse.block import Block

_MOVING = ("dynamic", "longrope")


def check_turns(model: PreTrainedModel) -> None:
    """Raise unless the model's keys depend on their position by a rotation that is known here.

    Raises:
        InvalidInput: no rotary embedding, an interleaved one, one that changes with the length of
            the text, layers without it, or layers that do not keep all tokens.
    """
    check_reusable(model)
    what = type(model).__name__
    config = seam.text_config(model)
    modules = seam.attention_modules(model)
    if any(seam.rope(model, layer) is None for layer in modules):
        raise InvalidInput(
            f"{what} has no rotary position embedding that is known here: texts computed alone"
            " cannot be moved in it; reuse them as a prefix"
        )
    kind = (getattr(config, "rope_parameters", None) or {}).get("rope_type", "default")
    if kind in _MOVING or any(getattr(one, "use_rope", True) is False for one in modules.values()):
        raise InvalidInput(
            f"{what} turns its keys by an angle that is not the same for all layers and lengths"
            f" (rope type {kind!r}): texts computed alone cannot be moved in it"
        )
    if len(seam.decoder_layers(model)) != len(modules):
        raise InvalidInput(
            f"{what} does not list its decoder's layers as `layers`: some tokens alone cannot be"
            " computed in it; reuse texts as a prefix"
        )


def turned(
    model: PreTrainedModel, blocks: Sequence[Block | None], places: Sequence[int], tokens: int
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Keys and values of a text `[1, Hkv, tokens, D]` a layer, with each block at its place.

    Args:
        blocks: None where nothing is kept: those places hold zeros. If all are None there are no
            tensors.
        places: of each block's first token.
    """
    here = [(one, at) for one, at in zip(blocks, places, strict=True) if one is not None]
    if not here:
        return (), ()
    distance = torch.zeros(1, tokens, dtype=torch.int64, device=model.device)
    for block, at in here:
        distance[:, at : at + len(block)] = at - block.start
    keys, values = [], []
    for layer in range(len(here[0][0].keys)):
        placed = _placed([(one.keys[layer], at) for one, at in here], tokens, model.device)
        if bool(distance.any()):
            rope = seam.rope(model, layer)
            assert rope is not None
            placed = rope.shift(placed, distance)
        keys.append(placed)
        values.append(_placed([(one.values[layer], at) for one, at in here], tokens, model.device))
    return tuple(keys), tuple(values)


def _placed(parts: Sequence[tuple[Tensor, int]], tokens: int, device: torch.device) -> Tensor:
    heads, _, channels = parts[0][0].shape
    whole = parts[0][0].new_zeros(1, heads, tokens, channels, device=device)
    for part, at in parts:
        whole[0, :, at : at + part.shape[1]] = part
    return whole
