"""The slot `weights.optimize`: how what is trained takes a step, and what is kept for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

Role: TypeAlias = Literal["matrix", "vector", "embedding", "output", "low", "high"]


class Part(NamedTuple):
    """One tensor that is trained: a leaf that requires gradients.

    Attributes:
        role: `matrix` `[O, I]`, `vector`, `embedding` or `output` `[V, D]`; of an adapter `low` (A,
            `[R, I]`) or `high` (B, `[O, R]`, which begins at zero and is added to a frozen weight).
        layer: of the decoder; None outside of its layers.
    """

    name: str
    tensor: Tensor
    role: Role
    layer: int | None = None


class Steps(Protocol):
    """Steps over given parts; it holds what an optimizer keeps between two of them."""

    def step(self, loss: Callable[[], Tensor], share: float) -> Tensor:
        """Take a step; the loss before it, without its graph. No gradient is left.

        Args:
            loss: computes the loss anew, with its graph; it may be called more than once.
            share: of the method's learning rate, in [0, 1].
        """
        ...

    def kept(self) -> Iterator[Tensor]:
        """The tensors that are kept between steps."""
        ...

    def close(self) -> None:
        """Take no step any more: hooks are off."""
        ...


class Optimize(Protocol):
    """One optimizer, with its options."""

    def over(self, parts: Sequence[Part]) -> Steps:
        """Begin to train parts.

        Raises:
            MissingExtra: the library that keeps the method is not installed.
            WrongDevice: it does not run where the parts are.
            InvalidInput: it cannot train such parts.
        """
        ...
