"""What is refused before it can go wrong: policies, models, masks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.kv.needs import Need
from mnemon.kv.plan import protected
from mnemon.kv.policy import Policy

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from mnemon.kv.budget import Budget
    from mnemon.kv.profile import HeadProfile


def settle(
    policy: Policy | str | dict[str, Any],
    budget: Budget,
    model: PreTrainedModel,
    profile: HeadProfile | None = None,
) -> Policy:
    """The policy that is meant; `"auto"` is the best one measured at that budget."""
    if policy == "auto":
        from mnemon.kv.auto import best

        return best(budget, model, profile)
    return Policy.of(policy)


def supplied(
    policy: Policy,
    budget: Budget,
    model: PreTrainedModel,
    layers: list[int],
    profile: HeadProfile | None,
) -> HeadProfile | None:
    """Check that the model can supply what the policy needs; its head profile, if needed.

    Args:
        layers: numbers of the layers that would be compressed.

    Raises:
        InvalidInput: the model has nothing to compress, or lacks what the policy needs.
    """
    if not layers:
        raise InvalidInput(
            f"{type(model).__name__} has no layer that is full attention and nothing else, which is"
            " what a policy compresses: use transformers' own cache"
        )
    if budget.unit == "tokens":
        protected(policy, budget.amount)
    if Need.PRE_ROPE in policy.needs and seam.rope(model, layers[0]) is None:
        raise InvalidInput(
            f"policy {str(policy)!r} needs rotary position embedding, and "
            f"{type(model).__name__} has none that is known here: choose another policy"
        )
    if Need.PROJECTION in policy.needs:
        for layer in layers:
            seam.projection(model, layer)
    if Need.PROFILE in policy.needs:
        from mnemon.kv.profile import profile_of

        return profile or profile_of(model)
    return None


def padding(
    mask: Tensor | None, batch: int, count: int, seen: int, known: Tensor | None = None
) -> Tensor | None:
    """Which of the new tokens are real, `[B, count]`; None if all are.

    Args:
        known: how many of the tokens seen were real, `[B]`; None: that is not compared.

    Raises:
        InvalidInput: a mask of another length than the text so far, of four dimensions, or with
            padding on the right.
    """
    if mask is None:
        return None
    if not isinstance(mask, torch.Tensor) or mask.dim() != 2:
        told = f"one of shape {tuple(mask.shape)}" if hasattr(mask, "shape") else type(mask)
        raise InvalidInput(f"a KVCache takes a two-dimensional attention mask, not {told}")
    if mask.shape != (batch, seen + count):
        raise InvalidInput(
            f"the attention mask is for {mask.shape[1]} tokens, and the cache has seen {seen} and "
            f"is given {count} more: to go on, pass the whole conversation (or its new tokens with "
            "a mask for all); to start again, make a new KVCache"
        )
    if count == 1:  # finished sequences of a batch are fed padding that counts as real
        return None
    real = mask.to(torch.bool)
    if bool((real[:, 1:] < real[:, :-1]).any()) or not bool(real[:, -1].all()):
        raise InvalidInput(
            "the batch is padded on the right: pad on the left (tokenizer.padding_side = 'left')"
        )
    if known is not None and not torch.equal(real[:, :seen].sum(1).cpu(), known):
        raise InvalidInput(
            "the attention mask says other padding than this KVCache has seen: to go on, pass the"
            " whole conversation; to start again, make a new KVCache"
        )
    new = real[:, seen:]
    return None if bool(new.all()) else new


def positions(
    given: Tensor | None, batch: int, count: int, seen: int, device: torch.device
) -> Tensor:
    """Where the new tokens stand, `[B, count]` int32; after those `seen` if nothing is given.

    Raises:
        InvalidInput: positions along several axes.
    """
    if given is None:
        given = torch.arange(seen, seen + count, device=device)[None]
    if given.dim() > 2:
        raise InvalidInput(
            f"positions of shape {tuple(given.shape)}, as models have that see images, are not"
            " known to a KVCache: use transformers' own cache for this model"
        )
    return given.expand(batch, -1).to(torch.int32)


def turn(answered: bool, count: int, placed: bool) -> None:
    """Check that a cache which has answered is not given a text of which it cannot tell the start.

    Args:
        count: tokens given. placed: whether their positions or a mask came with them, as from
            `generate`, which hands on only what is longer than the cache; a call with new tokens
            alone means what comes next.

    Raises:
        InvalidInput: several tokens that were not told with `KVCache.go_on`.
    """
    if answered and count > 1 and placed:
        raise InvalidInput(
            f"this KVCache has answered, and is given {count} tokens of a longer text that may "
            "have begun otherwise: to go on, call cache.go_on(input_ids) with the whole "
            "conversation first; to start again, make a new KVCache"
        )


def going_on(old: Tensor | None, new: Tensor, count: int) -> None:
    """Check that the new tokens come after those that the cache has seen.

    Args:
        old, new: positions `[B, W]` and `[B, count]`.

    Raises:
        InvalidInput: they go back: the text was begun anew on a cache already used; or the model
            has been moved to another device.
    """
    if old is not None and old.device != new.device:
        raise InvalidInput(
            f"the cache is on {old.device}, and the new tokens are on {new.device}: leave the model"
            " where it was, or make a new KVCache"
        )
    if old is None or not old.numel() or count == 1 or old.shape[0] != new.shape[0]:
        return
    if bool((new[:, 0] <= old[:, -1]).any()):
        raise InvalidInput(
            f"the cache has seen positions up to {int(old[:, -1].max())}, and is given tokens at "
            f"{int(new[:, 0].min())}: to go on, pass the whole conversation; to start again, make"
            " a new KVCache"
        )
