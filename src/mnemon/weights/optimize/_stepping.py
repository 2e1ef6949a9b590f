"""Steps by an optimizer of torch's interface, and what is asked of the parts before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from mnemon.errors import InvalidInput, WrongDevice

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.weights.optimize import Part


class Stepping:
    """Backward, then the optimizer's own step; each group's rate is scaled by the share."""

    def __init__(self, optimizer: Any) -> None:
        self._optimizer = optimizer
        self._rates = [group["lr"] for group in optimizer.param_groups]

    def step(self, loss: Callable[[], Tensor], share: float) -> Tensor:
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=True):
            group["lr"] = rate * share
        found = loss()
        found.backward()
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        return found.detach()

    def kept(self) -> Iterator[Tensor]:
        yield from tensors(self._optimizer.state)

    def close(self) -> None:
        self._optimizer.state.clear()


def tensors(held: Any) -> Iterator[Tensor]:
    """The tensors in a state: in dicts, lists, and the attributes of projectors."""
    if isinstance(held, torch.Tensor):
        yield held
    elif isinstance(held, dict):
        for one in held.values():
            yield from tensors(one)
    elif isinstance(held, (list, tuple)):
        for one in held:
            yield from tensors(one)
    elif hasattr(held, "__dict__") and type(held).__name__.endswith("Projector"):
        yield from tensors(vars(held))


def some(parts: Sequence[Part]) -> list[Tensor]:
    """The parts' tensors.

    Raises:
        InvalidInput: there are none.
    """
    if not parts:
        raise InvalidInput("there is nothing to train: give one part at least")
    return [one.tensor for one in parts]


def on_cuda(parts: Sequence[Part], method: str, why: str) -> None:
    """Refuse parts that are elsewhere.

    Raises:
        WrongDevice: one of them is.
    """
    for one in parts:
        if one.tensor.device.type != "cuda":
            raise WrongDevice(method, one.tensor.device.type, why)


def by_rank(parts: Sequence[Part], rank: int, method: str) -> tuple[list[Tensor], list[Tensor]]:
    """What a projection to `rank` makes smaller, and the rest; vectors, embedding and output are
    the rest, as in the papers' settings.

    Raises:
        InvalidInput: nothing is larger than the rank.
    """
    low = [
        one.tensor for one in parts
        if one.role in ("matrix", "low", "high") and min(one.tensor.shape) > rank
    ]  # fmt: skip
    if not low:
        raise InvalidInput(
            f"{method} has nothing to project: no matrix is larger than rank {rank} on both sides; "
            "take a smaller `rank`, or train matrices rather than adapters"
        )
    chosen = {id(one) for one in low}
    return low, [one.tensor for one in parts if id(one.tensor) not in chosen]
