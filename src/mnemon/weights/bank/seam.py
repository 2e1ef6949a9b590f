"""The seam to a transformers model: a bank is attached by hooks, and taken off again.

Hooks of `torch.nn.Module` on the decoder, its layers and their MLPs, and no private attribute. The
bank stands in the decoder as `adapter_memory`, so that its parameters are among the model's, and
`mnemon.kv.reuse.fingerprint` tells a model with a memory from one without.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.weights.bank.offloading import offloaded
from mnemon.weights.layer import Bank, Turn

if TYPE_CHECKING:
    from transformers import PreTrainedModel

NAME = "adapter_memory"


class Attached:
    """A model that has a bank; `detach` makes it as it was. A context manager."""

    def __init__(self, model: PreTrainedModel, bank: Bank) -> None:
        decoder = seam.decoder(model)
        if hasattr(decoder, NAME):
            raise InvalidInput("the model has a memory already: detach it first")
        _same_type(model, bank)
        places = _places(model, bank)
        self.bank, self._decoder, self._pool = bank, decoder, ThreadPoolExecutor(1)
        self._turn, self._seen = Turn({}), torch.zeros(0, 0, dtype=torch.long)
        decoder.add_module(NAME, cast(nn.Module, bank))
        self._hooks = [decoder.register_forward_pre_hook(self._begin, with_kwargs=True)]
        for layer, module in places.items():
            if bank.place == "layer":
                hook = module.register_forward_pre_hook(self._before(layer), with_kwargs=True)
            else:
                hook = module.register_forward_hook(self._beside(layer))
            self._hooks.append(hook)

    def detach(self) -> None:
        """Take the bank off, and the hooks."""
        for hook in self._hooks:
            hook.remove()
        self._pool.shutdown()
        if hasattr(self._decoder, NAME):
            delattr(self._decoder, NAME)

    def __enter__(self) -> Attached:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.detach()

    def _begin(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        ids = kwargs.get("input_ids", args[0] if args else None)
        if ids is None:
            raise InvalidInput("a memory is addressed by tokens: give input_ids, no embeddings")
        cache = seam.cache_of(kwargs)
        past = 0 if cache is None else int(cache.get_seq_length())
        self._turn = self._continued(ids, past) if past else Turn(self.bank.address(ids))
        self._seen = torch.cat([self._seen, ids], 1) if past else ids
        for name, table in offloaded(self.bank):
            if name in self._turn.rows:
                table.prefetch(self._turn.rows[name], self._pool)

    def _continued(self, ids: Tensor, past: int) -> Turn:
        if self._seen.shape != (len(ids), past):
            raise InvalidInput(
                f"the cache holds {past} tokens of {len(ids)} texts, and this memory saw others: "
                "attach it before the text begins, and pass the text whole"
            )
        if self.bank.by == "text":
            return self._turn
        near = torch.cat([self._seen[:, past - min(past, self.bank.window) :], ids], 1)
        rows = self.bank.address(near)
        return Turn({name: one[:, -ids.shape[1] :] for name, one in rows.items()}, self._turn.kept)

    def _before(self, layer: int) -> Any:
        def hook(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            hidden = args[0] if args else kwargs["hidden_states"]
            told = hidden + self.bank.added(layer, hidden, self._turn)
            if args:
                return (told, *args[1:]), kwargs
            return args, {**kwargs, "hidden_states": told}

        return hook

    def _beside(self, layer: int) -> Any:
        def hook(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> Tensor:
            return output + self.bank.added(layer, args[0], self._turn)

        return hook


def attach(model: PreTrainedModel, bank: Bank) -> Attached:
    """Put a bank on a model; its parameters are then among the model's.

    Args:
        model: of transformers, with a decoder whose layers have an `mlp` where the bank is put
            beside it. It can be trained, asked, and decode with a cache; not with beam search, nor
            with padding on the left.

    Raises:
        InvalidInput: it has a memory already, no such layers, or another dtype. A pass raises it
            for embeddings in place of ids, or for a cache that was filled without this memory.
    """
    return Attached(model, bank)


def has_memory(model: PreTrainedModel) -> bool:
    """Whether a bank is attached."""
    return hasattr(seam.decoder(model), NAME)


def _same_type(model: PreTrainedModel, bank: Bank) -> None:
    for one in cast(nn.Module, bank).parameters():
        if one.dtype != model.dtype:
            raise InvalidInput(
                f"the memory is in {one.dtype} and the model in {model.dtype}: load the model in "
                "the memory's dtype"
            )


def _places(model: PreTrainedModel, bank: Bank) -> dict[int, nn.Module]:
    layers = seam.decoder_layers(model)
    found = {}
    for number in bank.layers:
        if number >= len(layers):
            raise InvalidInput(f"the memory needs layer {number}: the model has {len(layers)}")
        layer = layers[number]
        module = layer if bank.place == "layer" else getattr(layer, "mlp", None)
        if not isinstance(module, nn.Module):
            raise InvalidInput(
                f"{type(layer).__name__} has no `mlp`: this memory cannot be put beside it"
            )
        found[number] = module
    return found
