"""Bytes of torch's tensors while something is trained, by what they are for.

On the CPU each operation is looked at; a CUDA device's allocator counts by itself.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from mnemon.bench.device import beside

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.weights.optimize import Part, Steps

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Meter:
    """Peaks, in bytes, over all steps; of gradients, activations and `live` within `watching`.

    Attributes:
        weights: of the model and of the parts.
        gradients: the most that the parts had at once.
        state: the most that was kept between two steps.
        activations: what was alive when the loss was known and was not before, at most.
        live: the most that was alive of what was made since, whatever for, temporary tensors too.
        beside: the most of a CUDA device that was in use after a step and that torch does not know.
    """

    def __init__(self, model: Any, parts: Sequence[Part], device: Any = "cpu") -> None:
        self._known = [*model.parameters(), *model.buffers(), *(one.tensor for one in parts)]
        self._parts, self.device = parts, torch.device(device)
        self.weights = held(self._known)
        self.gradients = self.state = self.activations = self.live = 0
        self.beside = 0
        self._watch: _Live | _Allocated | None = None

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Gradients and what is alive are counted while this lasts: it is slow."""
        hooks: list[Any] = [
            one.tensor.register_post_accumulate_grad_hook(self._gradient)  # type: ignore[no-untyped-call]
            for one in self._parts if one.tensor.requires_grad
        ]  # fmt: skip
        on_device = self.device.type == "cuda"
        with _Allocated(self.device) if on_device else _Live(self._known) as self._watch:
            yield
        self.live = max(self.live, self._watch.peak)
        self._watch = None
        for one in hooks:
            one.remove()

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
        if self.device.type == "cuda":
            self.beside = max(self.beside, beside(self.device))

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


class _Allocated:
    """Bytes that a CUDA device's allocator gave to tensors since this began."""

    def __init__(self, device: Any) -> None:
        self._device, self._before = device, 0

    def __enter__(self) -> _Allocated:
        torch.cuda.reset_peak_memory_stats(self._device)
        self._before = torch.cuda.memory_allocated(self._device)
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @property
    def now(self) -> int:
        return torch.cuda.memory_allocated(self._device) - self._before

    @property
    def peak(self) -> int:
        return torch.cuda.max_memory_allocated(self._device) - self._before


def held(tensors: Iterable[Tensor]) -> int:
    """Bytes of their storages, each counted once; of what is sharded, the part that is here."""
    storages = {one.data_ptr(): one for one in (_here(each).untyped_storage() for each in tensors)}
    return sum(one.nbytes() for one in storages.values())


def _here(tensor: Tensor) -> Any:
    return tensor.to_local() if hasattr(tensor, "to_local") else tensor


@contextmanager
def resident() -> Iterator[Callable[[], int | None]]:
    """What says, after it, the most bytes the process had resident within; None off Linux."""
    told: list[int] = []
    if _RESET.exists():
        _RESET.write_text("5")
    yield lambda: told[0] if told else None
    if _RESET.exists():
        told.append(_told("VmHWM:"))


def resident_now() -> int | None:
    """Bytes that the process has resident; None off Linux."""
    return _told("VmRSS:") if _STATUS.exists() else None


def _told(name: str) -> int:
    return int(_STATUS.read_text().partition(name)[2].split()[0]) * 1024
