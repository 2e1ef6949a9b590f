"""Attention over what a layer holds: stored rows of any lengths, then the uncompressed tail.

This is the plain path, exact and slow: stored parts are decoded for one layer at a time and freed
after it. `mnemon.kv.decode` has the fused kernels that agree with it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from mnemon.errors import InvalidInput
from mnemon.kv import packed, seam
from mnemon.kv.stored import Rows

if TYPE_CHECKING:
    from torch import Tensor, nn

    from mnemon.kv.layer import KVLayer

_BACKENDS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]


def over_layer(
    layer: KVLayer, module: nn.Module, query: Tensor, base: str, **kwargs: Any
) -> Tensor:
    """Attention of the newest queries `[B, Hq, Q, D]` over a layer: `[B, Q, Hq, Dv]`."""
    for extra in ("position_bias", "s_aux"):
        if kwargs.get(extra) is not None:
            raise InvalidInput(
                f"{type(module).__name__} adds {extra} to its attention, which a KVCache cannot:"
                " use transformers' own cache for this model"
            )
    if layer.cache.layer_of(module) is layer:  # others may read it too
        layer.observe(query)
    with _unplanned(query):
        return _over_layer(layer, module, query, base, **kwargs)


def _unplanned(query: Tensor) -> AbstractContextManager[None]:
    """Without cuDNN for single tokens: it plans anew for each length, which takes far longer."""
    if query.is_cuda and query.shape[2] == 1:
        return sdpa_kernel(_BACKENDS)
    return nullcontext()


def _over_layer(
    layer: KVLayer, module: nn.Module, query: Tensor, base: str, **kwargs: Any
) -> Tensor:
    stores = layer.visible(query)
    if not stores:
        return layer.over_tail(module, query, base, **kwargs)
    rows = join([store.read() for store in stores])
    if rows.bias is None and layer.padding() is None and packed.is_even(rows.lengths):
        keys, values = whole(rows, layer)
        mask = _late_mask(query, keys.shape[2], base)
        return plain(module, query, keys, values, mask, base, **kwargs)
    return _ragged(rows, layer, query, kwargs.get("scaling"), kwargs.get("softcap"))


def plain(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    base: str,
    **kwargs: Any,
) -> Tensor:
    """What the model would have computed without us: `[B, Q, Hq, Dv]`."""
    if base == "sdpa":
        return seam.sdpa(module, query, key, value, mask, **kwargs)
    groups = query.shape[1] // key.shape[1]
    key, value = key.repeat_interleave(groups, 1), value.repeat_interleave(groups, 1)
    out = attend(query, key, value, mask, kwargs.get("scaling"), kwargs.get("softcap"))
    return out.transpose(1, 2).contiguous()


def attend(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor | None,
    scaling: float | None,
    softcap: float | None,
) -> Tensor:
    """Softmax attention by its formula, with an additive mask and capped logits."""
    logits = torch.matmul(query, key.transpose(2, 3)) * (scaling or query.shape[-1] ** -0.5)
    if softcap is not None:
        logits = torch.tanh(logits / softcap) * softcap
    if mask is not None:
        logits = logits + mask
    weights = logits.softmax(-1, dtype=torch.float32).to(query.dtype)
    return torch.matmul(weights, value)


def join(parts: list[Rows]) -> Rows:
    """Several rows as one, row by row."""
    if len(parts) == 1:
        return parts[0]
    lengths = [part.lengths for part in parts]
    bias = None
    if any(part.bias is not None for part in parts):
        each = [
            part.keys.new_zeros(part.keys.shape[0]) if part.bias is None else part.bias
            for part in parts
        ]
        bias = packed.concat(each, lengths)
    return Rows(
        packed.concat([part.keys for part in parts], lengths),
        packed.concat([part.values for part in parts], lengths),
        torch.stack(lengths).sum(0),
        bias,
    )


def whole(rows: Rows, layer: KVLayer) -> tuple[Tensor, Tensor]:
    """Even rows and the tail as `[B, Hkv, n + W, D]`."""
    shape = (*rows.lengths.shape, -1)
    keys = rows.keys.reshape(*shape, rows.keys.shape[-1])
    values = rows.values.reshape(*shape, rows.values.shape[-1])
    tail_keys, tail_values = layer.held
    return torch.cat([keys, tail_keys], 2), torch.cat([values, tail_values], 2)


def _late_mask(query: Tensor, tokens: int, base: str) -> Tensor | None:
    count = query.shape[2]
    if count == 1:
        return None
    seen = torch.ones(count, tokens, dtype=torch.bool, device=query.device)
    return mask_of(seen.tril(tokens - count)[None, None], base, query.dtype)


def mask_of(seen: Tensor, base: str, dtype: torch.dtype) -> Tensor:
    """Booleans, true where a query sees a token, as the attention `base` takes a mask."""
    return seen if base == "sdpa" else _additive(seen, dtype)


def _additive(seen: Tensor, dtype: torch.dtype) -> Tensor:
    return torch.zeros_like(seen, dtype=dtype).masked_fill_(~seen, torch.finfo(dtype).min)


def _ragged(
    rows: Rows, layer: KVLayer, query: Tensor, scaling: float | None, softcap: float | None
) -> Tensor:
    """Rows of equal length are attended together; each group reads only what it holds."""
    batch, heads = rows.lengths.shape
    asked = query.unflatten(1, (heads, -1)).flatten(0, 1)  # [B * Hkv, groups, Q, D]
    tail_keys, tail_values = (one.flatten(0, 1) for one in layer.held)
    newest = tail_mask(layer, query).repeat_interleave(heads, 0)  # [B * Hkv, 1, Q, W]
    out = asked.new_empty(*asked.shape[:3], tail_values.shape[-1])
    for length, members in packed.same_length(rows.lengths):
        picked = torch.tensor(members, device=query.device)
        keys = torch.cat([packed.unpack(rows.keys, rows.lengths, members), tail_keys[picked]], 1)
        values = packed.unpack(rows.values, rows.lengths, members)
        values = torch.cat([values, tail_values[picked]], 1)
        stored = query.new_zeros(len(members), 1, 1, length)
        if rows.bias is not None:
            stored = packed.unpack(rows.bias, rows.lengths, members)[:, None, None].to(query.dtype)
        stored = stored.expand(-1, -1, query.shape[2], -1)
        mask = torch.cat([stored, newest[picked]], -1)
        out[picked] = _attend_rows(asked[picked], keys, values, mask, scaling, softcap)
    return out.unflatten(0, (batch, heads)).flatten(1, 2).transpose(1, 2).contiguous()


def _attend_rows(
    query: Tensor,
    keys: Tensor,
    values: Tensor,
    mask: Tensor,
    scaling: float | None,
    softcap: float | None,
) -> Tensor:
    groups = query.shape[1]
    keys, values = (one[:, None].expand(-1, groups, -1, -1) for one in (keys, values))
    if softcap is not None:
        return attend(query, keys, values, mask, scaling, softcap)
    return functional.scaled_dot_product_attention(
        query, keys, values, attn_mask=mask, scale=scaling
    )


def tail_mask(layer: KVLayer, query: Tensor) -> Tensor:
    """Which tail tokens each new query sees, additive: `[B, 1, Q, W]`."""
    count, tokens = query.shape[2], layer.tail
    seen = torch.ones(count, tokens, dtype=torch.bool, device=query.device)
    seen = seen.tril(tokens - count).expand(query.shape[0], 1, -1, -1)
    if (valid := layer.padding()) is not None:
        seen = seen & valid[:, None, None]
    return _additive(seen, query.dtype)
