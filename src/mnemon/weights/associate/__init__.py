"""The slot `weights.associate`: segments into one latent state of fixed size, and out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.weights.lesson import Pair

State: TypeAlias = "Mapping[str, Tensor]"
"""Tensors by name; without any, nothing is written. Never changed: each verb returns another."""


class Segment(NamedTuple):
    """What is written as one.

    Attributes:
        address: a digest of what it is filed under; a question that names it has the same.
        opening: the tokenizer's first token, if it has one; it stands before `ids`.
        ids: of its tokens. pairs: questions about it with their answers, for what is trained.
    """

    address: str
    opening: tuple[int, ...]
    ids: tuple[int, ...]
    pairs: tuple[Pair, ...] = ()


class Recalled(NamedTuple):
    """What the decoder is given.

    Attributes:
        cache: of transformers, with what stands before the question in it.
        start: position of the question's first token.
        score: in [0, 1], how well the memory knows the address; 1 if it has none.
        beside: what each attention layer adds to its own, for `mnemon.kv.attending`, or None.
    """

    cache: Any
    start: int
    score: float
    beside: Any = None


class Associate(Protocol):
    """One latent memory. All verbs leave the model as it was."""

    @property
    def additive(self) -> bool:
        """Whether a segment can be added and taken out again without the others."""
        ...

    @property
    def tokens(self) -> int:
        """Of a segment, at most, its opening included."""
        ...

    @property
    def room(self) -> int | None:
        """How many segments are kept apart; None if they are never, or always."""
        ...

    def write(self, model: Any, state: State, segments: Sequence[Segment]) -> State:
        """The state with these segments too. Raises InvalidInput for a segment that is too long."""
        ...

    def erase(self, model: Any, state: State, segments: Sequence[Segment]) -> State:
        """The state without these segments, which were written exactly so.

        Raises InvalidInput if the method is not additive.
        """
        ...

    def read(self, model: Any, state: State, addresses: Sequence[str]) -> Recalled | None:
        """What the memory has under one of a question's addresses; None if it knows none."""
        ...
