"""Random texts in chunks, and what a pass with the right mask makes of them, written plainly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel

from mnemon.kv import seam
from mnemon.kv.cache import KVCache
from mnemon.kv.reuse.blend_view import Blended, BlendView
from mnemon.kv.reuse.blending import Segment
from mnemon.kv.reuse.chunk import chunk

SIZES = (9, 14, 11)
QUESTION = 5


def words(count: int, seed: int) -> Tensor:
    """Random token ids `[count]`."""
    return torch.randint(3, 97, (count,), generator=torch.Generator().manual_seed(seed))


def segments(
    model: PreTrainedModel, texts: Sequence[Tensor], head: Sequence[int] = (), seed: int = 99
) -> list[Segment]:
    """Texts computed alone, and a question."""
    return [*(Segment(one, chunk(model, one, head)) for one in texts), question(seed)]


def question(seed: int = 99) -> Segment:
    return Segment(words(QUESTION, seed))


def texts() -> list[Tensor]:
    return [words(size, seed) for seed, size in enumerate(SIZES)]


def whole(parts: Sequence[Segment]) -> Tensor:
    """All tokens, `[1, T]`."""
    return torch.cat([one.tokens for one in parts])[None]


def plain(model: PreTrainedModel, ids: Tensor) -> tuple[KVCache, Tensor]:
    """A cache and the last logits of one pass over everything."""
    cache = KVCache(model, policy="recency", budget=1.0)
    with torch.no_grad():
        return cache, seam.forward(model, ids, cache, logits_to_keep=1)[0, -1]


def greedy(model: PreTrainedModel, cache: KVCache, logits: Tensor, steps: int = 6) -> list[int]:
    """The next tokens, the likeliest first one from `logits`."""
    found = [int(logits.argmax())]
    with torch.no_grad():
        for _ in range(steps - 1):
            step = seam.forward(model, torch.tensor([found[-1:]]), cache)
            found.append(int(step[0, -1].argmax()))
    return found


def held(cache: KVCache) -> list[Tensor]:
    """Keys and values of every layer."""
    return [one for layer in cache.compressed for one in layer.held]


def close(one: KVCache, other: KVCache, within: float = 2e-4) -> bool:
    return all(
        torch.allclose(a, b, atol=within, rtol=within)
        for a, b in zip(held(one), held(other), strict=True)
    )


@dataclass(frozen=True)
class Chosen:
    """A method that computes anew what it was made with."""

    tokens: tuple[bool, ...]

    def blend(self, view: BlendView) -> Blended:
        return view.computed(torch.tensor(self.tokens))


def reference(model: PreTrainedModel, parts: Sequence[Segment], chosen: Tensor) -> Tensor:
    """The last logits, by one pass of a model that Mnemon never touched, with a mask for all.

    The text stands in it twice: every kept token as it was alone, seeing its own chunk only, then
    those computed anew (and the question), seeing the others' first copies and their own second.
    """
    ids = whole(parts)[0]
    places = torch.arange(len(ids))
    number = torch.repeat_interleave(
        torch.arange(len(parts)), torch.tensor([len(one.tokens) for one in parts])
    )
    asked = number == len(parts) - 1
    old, new = places[~asked], places[chosen | asked]
    at = torch.cat([old, new])
    second = torch.arange(len(at)) >= len(old)
    before = at[:, None] >= at[None]
    alone = ~second[:, None] & ~second[None] & (number[at][:, None] == number[at][None])
    first_of_kept = ~second & ~torch.isin(at, new)
    anew = second[:, None] & (second[None] | first_of_kept[None])
    seen = before & (alone | anew)
    mask = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)
    with torch.no_grad():
        out = model(ids[at][None], attention_mask=mask[None, None], position_ids=at[None])
    logits: Tensor = out.logits[0, -1]
    return logits
