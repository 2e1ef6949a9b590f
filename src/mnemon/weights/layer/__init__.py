"""The slot `weights.layer`: memories with large tables, trained with a decoder or beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor, nn

Place = Literal["layer", "mlp"]
By = Literal["tokens", "text", "state"]


@dataclass(frozen=True)
class Given:
    """What a bank is built for.

    Attributes:
        hidden: D, the decoder's width. layers: how many it has. vocabulary: V.
        canonical: `[V]` for each token the number of those that are read as one; if None, each is
            read as itself.
        documents: token ids of texts like those that it will be trained on, for methods that
            cluster them.
    """

    hidden: int
    layers: int
    vocabulary: int
    canonical: Tensor | None = None
    documents: Sequence[Sequence[int]] = ()


@dataclass
class Turn:
    """One pass of the decoder.

    Attributes:
        rows: what `address` gave for its tokens (those of `by="tokens"`) or its text.
        kept: by layer, what the pass that continues this text needs of it.
    """

    rows: Mapping[str, Tensor]
    kept: dict[int, Tensor] = field(default_factory=dict)


class Bank(Protocol):
    """A module (`torch.nn.Module`) that adds to a decoder what it looks up in its tables.

    Attributes:
        layers: the layers of the decoder that it adds to.
        place: `layer`: to the hidden states that the layer is given; `mlp`: to what its MLP
            returns, from what that is given.
        by: what decides which rows are touched: each token with those before it (`tokens`), the
            text as a whole (`text`), or hidden states (`state`): then nothing can be fetched ahead.
        window: how many tokens before a token decide its rows.
        tables: rows by name; see `mnemon.weights.bank`.
        balance: of the last pass, by layer, how unevenly learnt keys choose rows: little if evenly.
            A loss to train with, weighed; empty if no keys are learnt.
    """

    place: Place
    by: By
    window: int
    layers: tuple[int, ...]
    tables: nn.ModuleDict
    balance: Sequence[Tensor]

    def address(self, ids: Tensor) -> dict[str, Tensor]:
        """The rows of each table that ids `[B, T]` touch: `[B, T, K]` by tokens, `[B, K]` by text;
        nothing if hidden states decide. The model is not asked."""
        ...

    def added(self, layer: int, hidden: Tensor, turn: Turn) -> Tensor:
        """What is added at a layer, `[B, T, D]`, for hidden states `[B, T, D]`."""
        ...


class Layer(Protocol):
    """One kind of memory module."""

    def build(self, given: Given) -> Bank:
        """A fresh bank, not trained; the same for the same options and `given`.

        Raises:
            InvalidInput: the decoder has no such layers, or sizes do not fit each other.
        """
        ...
