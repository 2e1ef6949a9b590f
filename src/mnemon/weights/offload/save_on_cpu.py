"""What the backward pass needs waits in the host's memory, and is fetched when it is due.

Rhu et al. 2016, "vDNN: Virtualized Deep Neural Networks for Scalable, Memory-Efficient Neural
Network Design", https://arxiv.org/abs/1602.08124, by torch.autograd.graph.save_on_cpu. HOW OURS
DIFFERS: every saved tensor moves but the layers' own weights, which torch's would copy again in
each pass; none is fetched ahead. Cannot be combined with a model on the CPU, whose activations are
there already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import torch
from torch import Tensor
from torch.autograd.graph import save_on_cpu, saved_tensors_hooks

from mnemon.errors import WrongDevice

__all__ = ["SaveOnCPU"]

Packed: TypeAlias = "Tensor | tuple[torch.device, Tensor]"
"""What stays, or whence it came and where it waits."""


@dataclass(frozen=True)
class SaveOnCPU:
    """torch's activation offload.

    Attributes:
        pin_memory: whether the host's pages are locked, which makes copies faster.
    """

    pin_memory: bool = True

    restores: ClassVar[bool] = True

    @contextmanager
    def during(self, layers: Sequence[Any]) -> Iterator[None]:
        """Whatever is saved while this lasts lies in the host's memory."""
        device = next(layers[0].parameters()).device.type
        if device == "cpu":
            raise WrongDevice("save-on-cpu", device, "activations are in the host's memory already")
        theirs: Any = save_on_cpu(pin_memory=self.pin_memory, device_type=device)
        stays = {_place(weight) for one in layers for weight in one.parameters()}

        def pack(tensor: Tensor) -> Packed:
            # Detached: a tensor that holds itself would never go.
            return tensor.detach() if _place(tensor) in stays else theirs.pack_hook(tensor)

        def unpack(packed: Packed) -> Tensor:
            return packed if isinstance(packed, Tensor) else theirs.unpack_hook(packed)

        with saved_tensors_hooks(pack, unpack):
            yield


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
