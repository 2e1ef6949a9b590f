"""Blend: recalled cubes enter with keys and values that were computed for each alone.

They are turned to their place, and a method of the slot `kv.blend` says which of their tokens are
computed anew. What is made so is near to recomputation, not equal to it: it stays in the
conversation, and is never kept as a beginning of other prompts.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch

from mnemon.kv import seam
from mnemon.kv.reuse import blending
from mnemon.kv.reuse import keys as keyed
from mnemon.models.local.prepare import Prepared
from mnemon.models.local.prompt import common
from mnemon.models.local.wording import Segment

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.cache import KVCache
    from mnemon.kv.reuse.block import Block
    from mnemon.kv.reuse.prefix import PrefixCache
    from mnemon.models.local.prepare.chunks import Chunks
    from mnemon.models.local.prompt import Prompt

__all__ = ["Blend"]

LIVE, CHUNK = "live", "chunk"


class Blend:
    """Goes on from the conversation's cache or kept blocks, and blends what is new."""

    exact = False

    def __init__(self, prefixes: PrefixCache, chunks: Chunks, method: str) -> None:
        self._prefixes, self._chunks, self._method = prefixes, chunks, method
        self._cache: KVCache | None = None
        self._tokens: list[int] = []
        self._exact = 0  # tokens at the beginning whose keys and values are those of recomputation
        self._root = ""
        self._seconds = 0.0

    def prepare(self, prompt: Prompt) -> Prepared:
        """Make a cache hold a prompt."""
        tokens = prompt.tokens
        reused = self._begin(tokens)
        have = len(self._tokens)
        parts = _after(prompt.segments, have)
        blocks = self._chunks.found([one for one in parts if one.recalled is not None])
        begun = time.perf_counter()
        if blocks:
            logits, recomputed, kept = self._blended(parts, blocks)
            reused[CHUNK] = kept - recomputed
        else:
            logits, recomputed = self._forward(tokens[have:]), 0
        self._seconds = time.perf_counter() - begun
        self._tokens = tokens
        computed = len(tokens) - sum(reused.values())
        return Prepared(logits, {k: n for k, n in reused.items() if n}, computed, recomputed)

    def feed(self, token: int) -> Tensor:
        """Go on with one more token."""
        logits = self._forward([token])
        self._tokens = [*self._tokens, token]
        return logits

    def publish(self, prompt: Prompt) -> int:
        """Keep the whole blocks of what is exact."""
        same = common(self._tokens, prompt.tokens)[: self._exact]
        if self._cache is None:
            return 0
        return self._prefixes.publish(self._cache, same, prompt.sources, seconds=self._seconds)

    def drop(self, prompt: Prompt) -> None:
        """Let go of the conversation's cache, the blocks of this prompt and its cubes' chunks."""
        self.close()
        prefixes = self._prefixes
        prefixes.forget(keyed.chain(prefixes.root(), prompt.tokens, prefixes.size))
        self._chunks.tiers.delete(self._chunks.keys(prompt.segments).values())

    def close(self) -> None:
        """Let go of the conversation's cache."""
        self._cache, self._tokens, self._exact = None, [], 0

    def _begin(self, tokens: list[int]) -> Counter[str]:
        """Go back to what the conversation has in common with a prompt, or to kept blocks if those
        reach further: tokens by place."""
        root, self._root = self._root, self._prefixes.root()
        same = len(common(self._tokens, tokens[:-1])) if root == self._root else 0
        if self._cache is not None and same > self._prefixes.known(tokens[:-1]):
            if same < self._cache.slots:
                self._cache.crop(same - self._cache.slots)
            self._tokens, self._exact = tokens[:same], min(self._exact, same)
            return Counter({LIVE: same})
        begun = self._prefixes.begin(tokens)
        self._cache, self._exact = begun.cache, begun.reused
        self._tokens = tokens[: begun.reused]
        return Counter(begun.by_tier)

    def _blended(
        self, parts: Sequence[Segment], blocks: Mapping[tuple[int, ...], Block]
    ) -> tuple[Tensor, int, int]:
        """Logits, how many kept tokens were computed anew, and of how many."""
        given = [
            blending.Segment(
                torch.tensor(one.tokens), None if one.recalled is None else blocks.get(one.tokens)
            )
            for one in parts
        ]
        exact = next(i for i, one in enumerate(given) if one.block is not None)
        if self._exact == len(self._tokens):
            self._exact += sum(len(one.tokens) for one in given[:exact])
        model = self._prefixes.model
        made = blending.blended(model, given, self._method, prefix=self._cache)
        self._cache = made.cache
        return made.logits, made.recomputed, made.of

    def _forward(self, tokens: list[int]) -> Tensor:
        model, cache = self._prefixes.model, self._cache
        assert cache is not None
        if self._exact == cache.slots:
            self._exact += len(tokens)
        ids = torch.tensor([tokens], device=model.device)
        with torch.no_grad():
            return seam.forward(model, ids, cache, logits_to_keep=1)[0, -1]


def _after(segments: Sequence[Segment], place: int) -> list[Segment]:
    """What of the segments stands from a token on; what is cut is no longer a cube's text."""
    found, at = [], 0
    for one in segments:
        end = at + len(one.tokens)
        if at >= place and one.tokens:
            found.append(one)
        elif end > place:
            found.append(Segment(one.tokens[place - at :], one.sources))
        at = end
    return found
