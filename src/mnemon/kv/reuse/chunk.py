"""A text computed alone: its block, which `blended` uses at any place, and its key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.kv.reuse.block import Block
from mnemon.kv.reuse.keys import following
from mnemon.kv.reuse.seeding import seeded, taken
from mnemon.kv.reuse.turning import check_turns

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel


def chunk(model: PreTrainedModel, tokens: Tensor, head: Sequence[int] = ()) -> Block:
    """Keys and values of a text `[T]` that stands alone, or behind `head` only.

    Args:
        head: what every prompt begins with, such as its `<bos>`: models lean on their first token,
            and a text computed without it is off from its own first token on. The block then
            starts at `len(head)`, and does not contain it.

    Raises:
        InvalidInput: no tokens, or a model whose keys cannot be turned.
    """
    check_turns(model)
    if not len(tokens):
        raise InvalidInput("a chunk needs at least one token")
    before = torch.tensor(list(head), dtype=torch.int64, device=model.device)
    ids = torch.cat([before, tokens.reshape(-1).to(model.device, torch.int64)])
    cache = seeded(model, None)
    with torch.no_grad():
        seam.forward(model, ids[None], cache, logits_to_keep=1)
    return taken(cache, ids, len(before), len(ids))


def chunk_key(root: str, tokens: Sequence[int], head: Sequence[int] = ()) -> str:
    """The key of `chunk(model, tokens, head)` under a root (`keys.root`)."""
    return following(following(root, head) if len(head) else root, tokens)


def chunks(
    model: PreTrainedModel, texts: Sequence[Sequence[int]], head: Sequence[int] = ()
) -> list[Block]:
    """`chunk` of several texts of one length in one pass; the blocks are on the CPU.

    No text sees another, and none is padded; a product over more rows may round in another order,
    so that a block can differ from `chunk`'s by rounding.

    Raises:
        InvalidInput: no tokens, texts of several lengths, or a model whose keys cannot be turned.
    """
    check_turns(model)
    lengths = {len(text) for text in texts}
    if len(lengths) != 1 or 0 in lengths:
        raise InvalidInput(f"texts that are computed together have one length, not {lengths}")
    rows = torch.tensor([list(text) for text in texts], dtype=torch.int32)
    before = torch.tensor(list(head), dtype=torch.int32).expand(len(texts), -1)
    ids = torch.cat([before, rows], 1).to(model.device, torch.int64)
    cache = seeded(model, None)
    with torch.no_grad():
        seam.forward(model, ids, cache, logits_to_keep=1)
    held = [
        (keys[:, :, len(head) :].cpu(), values[:, :, len(head) :].cpu())
        for keys, values in (layer.held for layer in cache.compressed)
    ]
    return [
        Block(
            tokens=text,
            keys=tuple(keys[row] for keys, _ in held),
            values=tuple(values[row] for _, values in held),
            start=len(head),
        ).owned()
        for row, text in enumerate(rows)
    ]
