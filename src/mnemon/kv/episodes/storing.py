"""A cache of one sequence as a blob, and a cache of a blob: stores, tails, what goes with them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from mnemon import methods
from mnemon.errors import InvalidInput
from mnemon.kv.cache import KVCache
from mnemon.kv.stored import Stored
from mnemon.kv.tiers.blob import Blob

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from mnemon.kv.layer import KVLayer
    from mnemon.kv.policy import Policy


def frozen(key: str, cache: KVCache, header: Mapping[str, Any]) -> Blob:
    """What a cache of one unpadded sequence holds; its stores are shared, which nothing changes.

    Raises:
        InvalidInput: it holds nothing, several sequences or padding, keeps part of them elsewhere,
            or some layer is not of full attention.
    """
    fits = cache.elsewhere is None and len(cache.compressed) == len(cache.layers)
    if len(cache.started) != 1 or cache.valid is not None or not fits:
        raise InvalidInput(
            "a cache can be stored that holds one sequence, unpadded, in layers of full attention,"
            " all of it in one place"
        )
    tensors: dict[str, Tensor] = {}
    told: list[list[dict[str, Any]]] = []
    for number, layer in enumerate(cache.compressed):
        keys, values = layer.held
        tensors[f"{number}.keys"], tensors[f"{number}.values"] = keys.clone(), values.clone()
        told.append([])
        for place, store in enumerate(layer.stores):
            kept, about = _taken_apart(store)
            tensors |= {f"{number}.{place}.{name}": one for name, one in kept.items()}
            told[-1].append(about)
    return Blob(key, {**header, "seen": cache.slots, "stores": told}, tensors)


def thawed(model: PreTrainedModel, blob: Blob, policy: Policy, budget: int) -> KVCache:
    """The cache that was frozen, for the same model; it goes on under `policy` and `budget`.

    It shares the blob's tensors where they are on the model's device, and never writes into them.

    Raises:
        InvalidInput: the blob has another number of layers.
    """
    cache = KVCache(model, policy, budget)
    told, device = blob.header["stores"], model.device
    if len(told) != len(cache.compressed):
        raise InvalidInput(
            f"a cache of {len(told)} layers was stored, and {type(model).__name__} has"
            f" {len(cache.compressed)}"
        )
    tensors = {name: one.to(device) for name, one in blob.tensors.items()}
    seen = int(blob.header["seen"])
    for number, layer in enumerate(cache.compressed):
        _fill(layer, number, tensors, told[number], seen)
    cache.slots, cache.real = seen, torch.tensor([seen])
    tail = cache.compressed[0].tail
    cache.positions = torch.arange(seen - tail, seen, dtype=torch.int32, device=device)[None]
    cache.started, cache.fresh = torch.ones(1, dtype=torch.bool), torch.zeros(1, dtype=torch.int64)
    return cache


def _fill(
    layer: KVLayer, number: int, tensors: Mapping[str, Tensor], told: list[Any], seen: int
) -> None:
    layer.keys, layer.values = tensors[f"{number}.keys"], tensors[f"{number}.values"]
    layer.seen, layer.is_initialized = seen, True
    for place, about in enumerate(told):
        head = f"{number}.{place}."
        parts = {
            name.removeprefix(head): one for name, one in tensors.items() if name.startswith(head)
        }
        layer.stores.append(_put_together(parts, about))


def _taken_apart(store: Stored) -> tuple[dict[str, Tensor], dict[str, Any]]:
    tensors = {"lengths": store.lengths}
    tensors |= {f"part.{name}": one for name, one in store.parts.items()}
    tensors |= {f"note.{name}": one for name, one in store.meta.items()}
    about = {
        "codec": methods.describe(store.codec),
        "spans": dict(store.spans),
        "dtype": str(store.dtype).removeprefix("torch."),
    }
    return tensors, about


def _put_together(tensors: Mapping[str, Tensor], about: Mapping[str, Any]) -> Stored:
    codec = about["codec"]
    return Stored(
        methods.load(codec["slot"], codec["name"], **codec["options"]),
        tensors["lengths"].cpu(),
        {name[5:]: one for name, one in tensors.items() if name.startswith("part.")},
        about["spans"],
        getattr(torch, about["dtype"]),
        {name[5:]: one for name, one in tensors.items() if name.startswith("note.")},
    )
