"""The beginning and the end of a step: embedding and angles before, the likeliest token after."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mnemon.kv.decode.rope import Rotation

# Logits that one program looks at.
BLOCK = 2048


@dataclass(frozen=True)
class Place:
    """Where decoding is, all on the device.

    `token` int64 [B] is fed next, at `position` int64 [B]; `length` int32 [1] is how many tokens
    the tail holds; `made` int64 [B, W] has the token chosen at each length.
    """

    token: Tensor
    position: Tensor
    length: Tensor
    made: Tensor


def begin(embedding: Tensor, place: Place, rotation: Rotation, hidden: Tensor) -> None:
    """Sets `hidden` [B, K] to the token's embedding and `rotation` to its position."""
    if hidden.is_cuda:
        from mnemon.kv.decode.kernels.launch import begin_kernel

        begin_kernel(embedding, place, rotation, hidden)
        return
    torch.index_select(embedding, 0, place.token, out=hidden)
    rotation.turn(place.position)


def end(logits: Tensor, place: Place) -> None:
    """Chooses the likeliest token of `logits` [B, V] and goes one step on."""
    if logits.is_cuda:
        from mnemon.kv.decode.kernels.launch import end_kernel

        end_kernel(logits, place)
        return
    torch.argmax(logits, -1, out=place.token)
    place.made[:, int(place.length)] = place.token
    place.length.add_(1)
    place.position.add_(1)
