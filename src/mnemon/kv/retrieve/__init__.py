"""The slot `kv.retrieve`: what is fetched back while decoding, the whole kept in a slower place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView


@dataclass(frozen=True)
class Step:
    """One layer's turn in one forward pass, for sequences that were offloaded together.

    Candidates are numbered from 0 in the order of the text, sinks and the tail left out.

    Attributes:
        place, layers: the layer's place among the compressed layers.
        queries: `[B, Hq, Q, D]` of this pass, padding left out.
        budget: candidates of each head that may be read.
        tokens: N, how many candidates there are.
        kv_heads: Hkv. heads: those whose candidates are elsewhere, Hs of them; whole: the others.
        index: what the method made of the layer.
        scaling: what queries times keys is multiplied by.
        sinks: resident tokens before the candidates.
        keys: `[B, Hw, sinks + N + W, D]` of the whole heads, or None if there are none.
        seen: `[B, 1, 1, Q, sinks + N + W]` booleans: what each query sees of them.
    """

    place: int
    layers: int
    queries: Tensor
    budget: int
    tokens: int
    kv_heads: int
    heads: tuple[int, ...]
    whole: tuple[int, ...]
    index: Mapping[str, Tensor]
    scaling: float
    sinks: int = 0
    keys: Tensor | None = None
    seen: Tensor | None = None

    def attention(self) -> Tensor:
        """What the queries of the whole heads give to the candidates: `[B, Hw, groups, Q, N]`."""
        import torch  # the slot is listed without it

        assert self.keys is not None and self.seen is not None
        asked = torch.unflatten(self.queries, 1, (self.kv_heads, -1))[:, list(self.whole)]
        logits = asked.float() @ self.keys[:, :, None].float().transpose(-1, -2) * self.scaling
        weights: Tensor = logits.masked_fill(~self.seen, float("-inf")).softmax(-1)
        return weights[..., self.sinks : self.sinks + self.tokens]


class Retrieve(Protocol):
    """One way to choose what attention reads, from an index that stays resident.

    Attributes:
        needs: what the core must supply in the view when the index is built.
    """

    needs: ClassVar[frozenset[Need]]

    def whole(self, view: LayerView) -> Tensor:
        """Which heads of the layer stay resident and are read in full: `[Hkv]` booleans.

        They come on top of the budget. The answer is the same for every view of a layer.
        """
        ...

    def index(self, view: LayerView, before: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The resident index of one layer, grown by the C candidates of the view.

        Args:
            view: the first C = T - window of its tokens are new candidates; no sinks.
            before: the index of the candidates before them, empty at first.

        Returns:
            Tensors whose first dimension is the sequence.
        """
        ...

    def select(self, step: Step, state: dict[str, Any]) -> Tensor | None:
        """Which candidates are read in this step.

        It is asked in every layer, in order, also where all heads are whole: to tell later layers.

        Args:
            step: the layer's turn.
            state: the method's own notes (tensors and tuples of them count as resident), shared by
                the layers and kept from step to step; empty at first, and again when sequences
                were reordered.

        Returns:
            `[B, Hs, K]` candidate numbers, none twice, K at most the budget; -1 where a row has
            less. What was read the step before is not fetched again. None if Hs is 0.
        """
        ...
