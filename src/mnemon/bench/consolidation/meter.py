"""Bytes of torch's tensors while something is trained, by what they are for."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.weights.optimize import Part, Steps

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Meter:
    """Peaks, in bytes, over all steps; `live` and `activations` over those within `watching`.

    Attributes:
        weights: of the model and of the parts.
        gradients: the most that the parts had at once.
        state: the most that was kept between two steps.
        activations: what was alive when the loss was known and was not before, at most.
        live: the most that was alive of what was made since, whatever for, temporary tensors too.
    """

    def __init__(self, model: Any, parts: Sequence[Part]) -> None:
        self._known = [*model.parameters(), *model.buffers(), *(one.tensor for one in parts)]
        self._parts = parts
        self.weights = held(self._known)
        self.gradients = self.state = self.activations = self.live = 0
        self._watch: _Live | None = None
        self._hooks = [
            one.tensor.register_post_accumulate_grad_hook(self._gradient)  # type: ignore[no-untyped-call]
            for one in parts if one.tensor.requires_grad
        ]  # fmt: skip

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Every operation is looked at while this lasts: it is slow."""
        with _Live(self._known) as self._watch:
            yield
        self.live = max(self.live, self._watch.peak)
        self._watch = None

    def loss(self, loss: Callable[[], Tensor]) -> Callable[[], Tensor]:
        """The same loss, whose activations are counted."""

        def counted() -> Tensor:
            before = 0 if self._watch is None else self._watch.now
            found = loss()
            if self._watch is not None:
                self.activations = max(self.activations, self._watch.now - before)
            return found

        return counted

    def stepped(self, steps: Steps) -> None:
        """To be called after each step."""
        self.state = max(self.state, held(steps.kept()))

    def close(self) -> None:
        """Take the hooks off."""
        for one in self._hooks:
            one.remove()

    def _gradient(self, _: Tensor) -> None:
        found = (one.tensor.grad for one in self._parts)
        self.gradients = max(self.gradients, held(one for one in found if one is not None))


class _Live(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Bytes of the storages that operations made and that are still there."""

    def __init__(self, known: Iterable[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.now = self.peak = 0
        self._seen = {id(one.untyped_storage()): 0 for one in known}

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        for one in tree_leaves(out):
            if isinstance(one, torch.Tensor):
                self._take(one.untyped_storage())
        return out

    def _take(self, storage: Any) -> None:
        key = id(storage)
        if key in self._seen:
            return
        self._seen[key] = storage.nbytes()
        self.now += self._seen[key]
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._gone, key)

    def _gone(self, key: int) -> None:
        self.now -= self._seen.pop(key)


def held(tensors: Iterable[Tensor]) -> int:
    """Bytes of their storages, each counted once."""
    storages = {one.data_ptr(): one for one in (each.untyped_storage() for each in tensors)}
    return sum(one.nbytes() for one in storages.values())


@contextmanager
def resident() -> Iterator[Callable[[], int | None]]:
    """What says, after it, the most bytes the process had resident within; None off Linux."""
    told: list[int] = []
    if _RESET.exists():
        _RESET.write_text("5")
    yield lambda: told[0] if told else None
    if _RESET.exists():
        status = _STATUS.read_text()
        told.append(int(status.partition("VmHWM:")[2].split()[0]) * 1024)
