"""Each layer's weights, gradients and optimizer state are sharded, and wait on the host.

Zhao et al. 2023, "PyTorch FSDP: Experiences on Scaling Fully Sharded Data Parallel",
https://arxiv.org/abs/2304.11277, and Ren et al. 2021, "ZeRO-Offload",
https://arxiv.org/abs/2101.06840, by torch's FSDP2 (`fully_shard` with `CPUOffloadPolicy`). HOW OURS
DIFFERS: without a process group, one of this process alone is made, and ended. Cannot be combined
with `lora`, which leaves a model as it was: a sharded one stays sharded; nor with `lomo` and
`adalomo`. With `cpu_offload`, not with a model on the CPU.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.distributed as group
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import CPUOffloadPolicy, OffloadPolicy, fully_shard

from mnemon.errors import WrongDevice

__all__ = ["FullyShard"]


@dataclass(frozen=True)
class FullyShard:
    """torch's FSDP2. The layers' parameters are others afterwards: name parts within the context.

    Attributes:
        cpu_offload: whether what is sharded waits on the host, where the optimizer then works.
        pin_memory: whether its pages are locked.
    """

    cpu_offload: bool = True
    pin_memory: bool = True

    restores: ClassVar[bool] = False

    @contextmanager
    def during(self, layers: Sequence[Any]) -> Iterator[None]:
        """The layers are sharded when this begins, and stay so."""
        device = next(layers[0].parameters()).device.type
        if device == "cpu" and self.cpu_offload:
            raise WrongDevice("fully-shard", device, "the weights are in the host's memory already")
        with _grouped(device):
            mesh = init_device_mesh(device, (group.get_world_size(),))
            policy = CPUOffloadPolicy(self.pin_memory) if self.cpu_offload else OffloadPolicy()
            for one in layers:
                # By default a layer within no sharded module stays whole after its forward pass.
                fully_shard(one, mesh=mesh, offload_policy=policy, reshard_after_forward=True)
            yield


@contextmanager
def _grouped(device: str) -> Iterator[None]:
    if group.is_initialized():
        yield
        return
    # Gloo computes for what waits on the host.
    backend = "gloo" if device == "cpu" else f"cpu:gloo,{device}:nccl"
    if device == "cuda":
        torch.cuda.set_device(torch.cuda.current_device())
    store: Any = group.HashStore()  # type: ignore[attr-defined]
    group.init_process_group(backend, store=store, rank=0, world_size=1)
    try:
        yield
    finally:
        group.destroy_process_group()
