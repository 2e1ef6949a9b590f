"""What a `kv.blend` method sees: a text whose parts were computed apart, and a way to compute."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.kv.reuse.block import Block
from mnemon.kv.reuse.partial import Look, Narrow, Partial
from mnemon.kv.reuse.seeding import seeded
from mnemon.kv.reuse.turning import turned

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from mnemon.kv.cache import KVCache


@dataclass(frozen=True)
class Blended:
    """A text whose parts were computed apart, ready to go on with.

    Attributes:
        cache: of the whole text, uncompressed.
        logits: of the last token, `[V]`.
        recomputed: kept tokens whose keys and values were computed anew (where their number falls
            from layer to layer: in the mean of the layers after the first look).
        of: how many kept tokens there were; those of an exact prefix do not count.
        work: token-layers computed, by those of a plain pass over the same text after its prefix:
            whole layers and looks into layers, kept and new tokens alike.
    """

    cache: KVCache
    logits: Tensor
    recomputed: int
    of: int
    work: float

    @property
    def share(self) -> float:
        """`recomputed` of `of`; 0 if nothing was kept."""
        return self.recomputed / self.of if self.of else 0.0


@dataclass(frozen=True)
class BlendView:
    """A text of T tokens, parts of which have keys and values at hand.

    Attributes:
        tokens: ids `[T]`, int64, on the model's device; -1 where a prefix does not tell.
        kept: which tokens were computed apart, `[T]` booleans: what may be computed anew.
        segment: the number of the segment that each token belongs to, `[T]`; -1 for the prefix.
        offset: its place in that segment, `[T]`.
        prefix: how many tokens at the start are exact, and never computed again.
        blocks: what is at hand, the prefix too, and the place of each one's first token.
    """

    model: PreTrainedModel
    tokens: Tensor
    kept: Tensor
    segment: Tensor
    offset: Tensor
    prefix: int
    blocks: tuple[tuple[Block, int], ...]

    @property
    def new(self) -> Tensor:
        """Tokens that have no keys and values yet, `[T]` booleans."""
        after = torch.arange(len(self.tokens), device=self.tokens.device) >= self.prefix
        return after & ~self.kept

    @property
    def layers(self) -> int:
        """Layers of the model."""
        return len(seam.decoder_layers(self.model))

    def turned(self) -> tuple[list[Tensor], list[Tensor]]:
        """Keys and values at their places, one tensor `[1, Hkv, T, D]` a layer, made anew.

        They hold zeros where nothing is at hand; without blocks there are none.
        """
        return turned(self.model, self.blocks, len(self.tokens))

    def computed(self, chosen: Tensor, narrow: Mapping[int, Narrow] | None = None) -> Blended:
        """One pass over the chosen tokens and all new ones, in their true places.

        Args:
            chosen: which kept tokens the pass begins with, `[T]` booleans.
            narrow: by layer (1 or later): shown that layer's keys and values, which of the tokens
                still in the pass go on from there, `[n]` booleans. New tokens always do.

        Raises:
            InvalidInput: there is no such layer.
        """
        places = torch.nonzero((chosen & self.kept) | self.new)[:, 0]
        told = {layer: self._with_new(one) for layer, one in (narrow or {}).items()}
        if unknown := sorted(set(told) - set(range(1, self.layers))):
            raise InvalidInput(
                f"a pass narrows at layers 1 to {self.layers - 1} of this model, not at {unknown}"
            )
        keys, values = self.turned()
        to_the_end = len(places) + int(places[0]) == len(self.tokens)
        if to_the_end and not (told and self.kept.any()):
            return self._continued(int(places[0]), keys, values)
        passed = Partial(self.model, keys, values, places, told)
        with torch.no_grad():
            logits = passed.run(self.tokens[places])
        later = passed.computed[min(told, default=0) :]
        recomputed = round(sum(later) / len(later)) - int(self.new.sum())
        cache = seeded(self.model, self._block(len(self.tokens), keys, values))
        return self._blended(cache, logits, recomputed, sum(passed.computed) + passed.looked)

    def _continued(self, start: int, keys: Sequence[Tensor], values: Sequence[Tensor]) -> Blended:
        """All from `start` on: a plain pass behind what is there, to the last bit."""
        cache = seeded(self.model, self._block(start, keys, values) if start else None)
        with torch.no_grad():
            logits = seam.forward(self.model, self.tokens[None, start:], cache, logits_to_keep=1)
        count = len(self.tokens) - start
        again = int(self.kept[start:].sum())
        return self._blended(cache, logits[0, -1], again, count * self.layers)

    def _blended(self, cache: KVCache, logits: Tensor, recomputed: int, work: int) -> Blended:
        plain = self.layers * (len(self.tokens) - self.prefix)
        return Blended(cache, logits, recomputed, int(self.kept.sum()), work / plain)

    def _block(self, end: int, keys: Sequence[Tensor], values: Sequence[Tensor]) -> Block:
        return Block(
            tokens=self.tokens[:end].to("cpu", torch.int32),
            keys=tuple(one[0, :, :end] for one in keys),
            values=tuple(one[0, :, :end] for one in values),
        )

    def _with_new(self, narrow: Narrow) -> Narrow:
        def told(look: Look) -> Tensor:
            return narrow(look) | self.new[look.places]

        return told
