"""The slower place: keys and values that are not on the device.

Pinned host memory if the model is on a GPU. If the model is on the CPU, a file that is mapped into
memory and has no name any more: its space is free again when the cache goes, whatever happens.
"""

from __future__ import annotations

import tempfile
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor


class Slow:
    """Rows `[R, n, D]` that grow at the end and are read entry by entry.

    Attributes:
        length: n, entries a row.
    """

    def __init__(self, entries: Tensor, device: torch.device) -> None:
        """Put `entries` `[R, n, D]` there; what is read comes back to `device`."""
        self.length = 0
        self._device = device
        self._data = _placed(entries, entries.shape[1], device)
        self.append(entries)

    @property
    def nbytes(self) -> int:
        """Bytes that are reserved there: a quarter of spare room included."""
        return self._data.untyped_storage().nbytes()

    def append(self, entries: Tensor) -> None:
        """Put `[R, m, D]` at the end of the rows."""
        needed = self.length + entries.shape[1]
        if needed > self._data.shape[1]:
            larger = _placed(entries, needed + needed // 4, self._device)
            larger[:, : self.length] = self._data[:, : self.length]
            self._data = larger
        self._data[:, self.length : needed].copy_(entries)
        self.length = needed

    def read(self, rows: Tensor, entries: Tensor) -> Tensor:
        """Entry `entries[i]` of row `rows[i]`, for each i: `[M, D]` on the device."""
        places = (rows * self._data.shape[1] + entries).cpu()
        flat = self._data.flatten(0, 1)
        if self._device.type != "cuda":
            return flat[places].to(self._device)
        found = torch.empty(len(places), flat.shape[1], dtype=flat.dtype, pin_memory=True)
        torch.index_select(flat, 0, places, out=found)
        return found.to(self._device, non_blocking=True)

    def __deepcopy__(self, memo: dict[int, Any]) -> Slow:
        """Another one in the slower place, of the same rows."""
        return Slow(self._data[:, : self.length], self._device)

    def select(self, rows: Tensor) -> Slow:
        """Another one, of these rows."""
        return Slow(self._data[rows.cpu(), : self.length], self._device)


def _placed(entries: Tensor, capacity: int, device: torch.device) -> Tensor:
    shape = (entries.shape[0], max(1, capacity), entries.shape[2])
    if device.type != "cpu":
        return torch.empty(shape, dtype=entries.dtype, pin_memory=device.type == "cuda")
    count = shape[0] * shape[1] * shape[2]
    with tempfile.NamedTemporaryFile(prefix="mnemon-kv-") as file:
        file.truncate(count * entries.dtype.itemsize)
        # The mapping outlives the name, which goes at the end of this block.
        mapped = torch.from_file(file.name, shared=True, size=count, dtype=entries.dtype)
    return mapped.view(shape)
