"""Steps by an optimizer of lomo-optim, which moves weights while gradients are computed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from mnemon.weights.optimize._stepping import tensors

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.weights.optimize import Part


class Named:
    """What lomo-optim asks a model for. It asks at every gradient: without parts, it does nothing,
    though its hooks stay on the tensors."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.parts = list(parts)

    def named_parameters(self) -> Iterator[tuple[str, Tensor]]:
        return ((one.name, one.tensor) for one in self.parts)

    def parameters(self) -> Iterator[Tensor]:
        return (one.tensor for one in self.parts)


class Fused:
    """Backward and update in one."""

    def __init__(self, optimizer: Any, named: Named, rate: float) -> None:
        self._optimizer, self._named, self._rate = optimizer, named, rate

    def step(self, loss: Callable[[], Tensor], share: float) -> Tensor:
        found = loss()
        self._optimizer.fused_backward(found, self._rate * share)
        return found.detach()

    def kept(self) -> Iterator[Tensor]:
        for name in ("exp_avg_sq", "exp_avg_sq_row", "exp_avg_sq_col"):
            yield from tensors(getattr(self._optimizer, name, {}))

    def close(self) -> None:
        self._named.parts.clear()
