"""Texts that were computed apart, put one behind the other: one cache, and the next token.

    segments = [Segment(ids, chunk(model, ids)) for ids in texts] + [Segment(question)]
    made = blended(model, segments)
    made.cache, made.logits.argmax(), made.share

docs/kv-blend.md says which methods there are, and when not to blend.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from mnemon import methods
from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.kv.cache import KVCache
from mnemon.kv.reuse.blend_view import Blended, BlendView
from mnemon.kv.reuse.block import Block
from mnemon.kv.reuse.turning import check_turns

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from mnemon.kv.blend import Blend

__all__ = ["Blended", "Segment", "blended"]


@dataclass(frozen=True)
class Segment:
    """One part of a text.

    Attributes:
        tokens: ids, `[T]`.
        block: their keys and values, computed without what stands before them here; None: to be
            computed.
    """

    tokens: Tensor
    block: Block | None = None


def blended(
    model: PreTrainedModel,
    segments: Sequence[Segment],
    method: str | Blend = "mentions",
    *,
    prefix: Block | KVCache | None = None,
    **options: Any,
) -> Blended:
    """The cache of all segments in their order, and the logits of the last token.

    Args:
        segments: at least one; a question, at the end, comes without a block. The last token is
            computed in any case. A first segment whose block starts at 0 is exact without a prefix.
        method: a `kv.blend` method or its name, which then takes `options`.
        prefix: what stands before the first segment, exact: it was computed from position 0 on.

    Raises:
        InvalidInput: no tokens, a block that does not fit its tokens or the model, a prefix that
            does not start at 0 or is compressed, or a model whose keys cannot be turned.
        UnknownName: no such method or option.
    """
    check_turns(model)
    chosen: Blend
    if isinstance(method, str):
        chosen = methods.load("kv.blend", method, **options)
    elif options:
        raise InvalidInput(f"options {sorted(options)} go with a method's name, not with a method")
    else:
        chosen = method
    before = _before(model, prefix)
    _check(model, segments, before)
    first = segments[0].block
    if before is None and first is not None and first.start == 0 and len(segments) > 1:
        before, segments = first, segments[1:]  # it stands where it was computed: exact
    return chosen.blend(_view(model, segments, before))


def _before(model: PreTrainedModel, prefix: Block | KVCache | None) -> Block | None:
    if isinstance(prefix, KVCache):
        plain = not prefix.compresses and prefix.valid is None and len(prefix.started) <= 1
        if not plain or prefix.model is not model:
            raise InvalidInput(
                "a prefix is a KVCache of this model, of one sequence, unpadded, budget 1.0"
            )
        if prefix.slots == 0:
            return None
        held = [layer.held for layer in prefix.compressed]
        unknown = torch.full((prefix.slots,), -1, dtype=torch.int32)
        return Block(unknown, tuple(k[0] for k, _ in held), tuple(v[0] for _, v in held))
    if prefix is not None and prefix.start != 0:
        raise InvalidInput(f"a prefix starts at 0, and this block at {prefix.start}")
    return prefix if prefix is not None and len(prefix) else None


def _check(model: PreTrainedModel, segments: Sequence[Segment], before: Block | None) -> None:
    if not sum(len(one.tokens) for one in segments):
        raise InvalidInput("there are no tokens to blend: give a segment, such as the question")
    for number, one in enumerate(segments):
        if one.block is not None and not torch.equal(
            one.block.tokens.cpu().long(), one.tokens.cpu().long()
        ):
            raise InvalidInput(f"segment {number} has the block of other tokens than its own")
    blocks = [before, *(one.block for one in segments)]
    told = {(len(one.keys), one.keys[0].dtype) for one in blocks if one is not None}
    own = (len(seam.native_layers(model)), model.dtype)
    if told - {own}:
        raise InvalidInput(
            f"there are blocks of (layers, type) {sorted(map(str, told))}, and the model has"
            f" {own}: compute them with this model"
        )


def _view(model: PreTrainedModel, segments: Sequence[Segment], before: Block | None) -> BlendView:
    prefix = 0 if before is None else len(before)
    parts = [] if before is None else [before.tokens]
    parts += [one.tokens.reshape(-1) for one in segments]
    tokens = torch.cat([one.to(model.device, torch.int64) for one in parts])
    sizes = torch.tensor([prefix, *(len(one.tokens) for one in segments)])
    starts = sizes.cumsum(0) - sizes
    segment = torch.repeat_interleave(torch.arange(len(sizes)) - 1, sizes)
    has = torch.tensor([False, *(one.block is not None for one in segments)])
    kept = has[segment + 1]
    kept[-1] = False  # its logits are wanted
    offset = torch.arange(len(tokens)) - starts[segment + 1]
    here = zip([before, *(one.block for one in segments)], starts.tolist(), strict=True)
    blocks = tuple((one, at) for one, at in here if one is not None)
    kept, segment, offset = (one.to(model.device) for one in (kept, segment, offset))
    return BlendView(model, tokens, kept, segment, offset, prefix, blocks)
