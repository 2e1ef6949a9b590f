"""The slot `kv.score`: how much each stored token matters, head by head."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView


class Score(Protocol):
    """One way to score tokens. Higher is better; only the order within a head must mean something.

    Attributes:
        needs: what the core must supply in the view.
        question: `aware` if the scores depend on the newest tokens' queries (so that a question
            at the end of the prompt steers them), else `agnostic`: only such caches may be stored.
        across_heads: true if heads of a layer are scored together and keep the same tokens.
    """

    needs: ClassVar[frozenset[Need]]
    question: ClassVar[Literal["agnostic", "aware"]]
    across_heads: ClassVar[bool]

    def score(self, view: LayerView) -> Tensor:
        """Scores `[B, Hkv, T]`, float32, of all T tokens of the view."""
        ...
