"""Between host memory and a device: pinned memory and a stream of its own if the device is CUDA."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from mnemon.kv import packed
from mnemon.kv.tiers.blob import Blob
from mnemon.kv.tiers.costs import MEMORY, Speed

if TYPE_CHECKING:
    from torch import Tensor

_PROBE = 1 << 24


@dataclass(frozen=True)
class Sent:
    """A tensor that is being copied to the device."""

    tensor: Tensor
    event: Any = None

    def ready(self) -> Tensor:
        """The tensor, for work that is given to the current stream from now on."""
        if self.tensor.is_cuda:
            current = torch.cuda.current_stream(self.tensor.device)
            if self.event is not None:
                current.wait_event(self.event)
            self.tensor.record_stream(current)  # its memory is another stream's
        return self.tensor


class Lane:
    """The way to one device and back."""

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        self.pins = self.device.type == "cuda"
        self._stream: Any = None

    def room(self, nbytes: int) -> Tensor:
        """Host memory, `[nbytes]` uint8, not filled."""
        return torch.empty(nbytes, dtype=torch.uint8, pin_memory=self.pins)

    def hosted(self, blob: Blob) -> Blob:
        """The blob in host memory of its own: a view of something larger would keep all of that."""
        held = packed.storage_bytes(list(blob.tensors.values()))
        tensors = {
            name: self._hosted(one.detach(), held <= blob.nbytes)
            for name, one in blob.tensors.items()
        }
        return Blob(blob.key, blob.header, tensors)

    def send(self, tensor: Tensor) -> Sent:
        """Begin to copy a tensor to the device; itself if it is there."""
        if tensor.device == self.device or self.device.type == "cpu":
            return Sent(tensor)
        if not self.pins:
            return Sent(tensor.to(self.device))
        if self._stream is None:
            self._stream = torch.cuda.Stream(self.device)
        with torch.cuda.stream(self._stream):
            sent = tensor.to(self.device, non_blocking=True)
            return Sent(sent, self._stream.record_event())

    def delivered(self, blob: Blob) -> Blob:
        """The blob on the device (its tokens stay on the host)."""
        sent = {name: self.send(one) for name, one in blob.tensors.items() if name != "tokens"}
        kept = {name: one for name, one in blob.tensors.items() if name == "tokens"}
        return Blob(blob.key, blob.header, kept | {name: one.ready() for name, one in sent.items()})

    def settled(self, blob: Blob) -> Blob:
        """The same, when it is there: for work of any stream, whoever gives it."""
        there = self.delivered(blob)
        if self._stream is not None:
            self._stream.synchronize()
        return there

    def speed(self) -> Speed:
        """How quickly host memory gets to the device, measured."""
        if not self.pins:
            return MEMORY
        small, large = self._timed(1 << 10), self._timed(_PROBE)
        return Speed(small, _PROBE / max(large - small, 1e-9))

    def _timed(self, nbytes: int) -> float:
        data = self.room(nbytes)
        for _ in range(2):  # the first one also makes the stream and the memory
            torch.cuda.synchronize(self.device)
            began = time.perf_counter()
            self.send(data).ready()
            torch.cuda.synchronize(self.device)
        return time.perf_counter() - began

    def _hosted(self, tensor: Tensor, own: bool) -> Tensor:
        own = own or packed.storage_bytes([tensor]) == tensor.numel() * tensor.element_size()
        if not self.pins:
            kept = tensor.cpu().contiguous()
            return kept.clone() if kept is tensor and not own else kept
        if tensor.is_pinned() and own and tensor.is_contiguous():
            return tensor
        pinned = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
        return pinned.copy_(tensor)
