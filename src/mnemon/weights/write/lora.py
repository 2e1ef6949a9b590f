"""Low-rank deltas on the linear layers of a frozen model's last layers, one adapter a shard.

Hu et al. 2021, "LoRA: Low-Rank Adaptation of Large Language Models",
https://arxiv.org/abs/2106.09685; the layout is that of https://github.com/huggingface/peft
(Apache-2.0). HOW OURS DIFFERS: many small adapters instead of one, trained side by side in one
batch (each row sees its own shard's deltas), each only until its own loss is low; only the last
layers are adapted, so that the layers below are run once; no dropout. Cannot be combined with
weights that are quantized, or layers that share a linear module.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import torch

from mnemon import methods
from mnemon.errors import InvalidInput
from mnemon.weights import layout
from mnemon.weights.adapter import parts, sharing
from mnemon.weights.rows import UNASKED, Rows, losses, rows
from mnemon.weights.seam import Upper, Worn, wearing
from mnemon.weights.write import Written

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.weights.lesson import Pair
    from mnemon.weights.offload import Offload
    from mnemon.weights.optimize import Optimize

__all__ = ["LoRA"]

Made: TypeAlias = "dict[str, tuple[Tensor, Tensor]]"


@dataclass(frozen=True)
class LoRA:
    """Low-rank adapters.

    Attributes:
        r, lora_alpha: rank, and what the delta is scaled by, times the rank.
        layers: how many of the last layers are adapted.
        learning_rate: of Adam; it falls to zero over `steps`. A named optimizer has its own.
        steps: at most. until: mean loss (nats a token) at which a shard is done.
        subjects: how many subjects share a shard. stack: how many shards are trained side by side.
        seed: of the first A; B begins at zero.
        optimizer: of the slot `weights.optimize`, with `optimizer_options`; by default Adam. With
            one, shards are trained one after the other: `stack` is not used.
        offload: of the slot `weights.offload`, while it trains.
    """

    r: int = 4
    lora_alpha: int = 8
    layers: int = 2
    learning_rate: float = 0.015
    steps: int = 80
    until: float = 0.02
    subjects: int = 2
    stack: int = 5
    seed: int = 0
    optimizer: str | None = None
    optimizer_options: Mapping[str, Any] | None = None
    offload: str | None = None

    def write(self, model: Any, shards: Sequence[Sequence[Pair]]) -> Iterator[Written]:
        """The adapter of each shard, in order.

        Raises:
            InvalidInput: a shard without pairs, or a model that cannot be adapted so.
            UnknownName, MissingExtra, WrongDevice: of the optimizer or the offload.
        """
        if not all(shards):
            raise InvalidInput("a shard without facts has nothing to learn: leave it out")
        if self.optimizer is None and self.optimizer_options:
            raise InvalidInput("optimizer_options= are of a named optimizer: say optimizer= too")
        upper = Upper(model, self.layers)
        with ExitStack() as during:
            during.enter_context(_frozen(model))
            worn = during.enter_context(wearing(upper.linear, self.lora_alpha / self.r))
            if self.offload is not None:
                during.enter_context(self._offloaded(upper))
            if self.optimizer is not None:
                for one in shards:
                    yield self._stepped(upper, worn, rows([one], model.device))
                return
            for start in range(0, len(shards), self.stack):
                stack = shards[start : start + self.stack]
                yield from self._trained(upper, worn, rows(stack, model.device), len(stack))

    def config(self, model: Any, base: str) -> dict[str, Any]:
        """As peft writes it."""
        upper = Upper(model, self.layers)
        return layout.config(upper.linear, upper.first, base, r=self.r, lora_alpha=self.lora_alpha)

    def _offloaded(self, upper: Upper) -> AbstractContextManager[None]:
        offload: Offload = methods.load("weights.offload", str(self.offload))
        if not offload.restores:
            raise InvalidInput(f"lora leaves a model as it was, and {self.offload} would not")
        return offload.during(upper.layers)

    def _trained(self, upper: Upper, worn: Worn, given: Rows, count: int) -> list[Written]:
        worn.wear(None)
        hidden, at = upper.below(given.ids), given.wanted != UNASKED
        deltas = self._fresh(upper, count)
        every = [one for pair in deltas.values() for one in pair]
        fused = hidden.device.type in ("cpu", "cuda")
        optimizer = torch.optim.Adam(every, lr=self.learning_rate, betas=(0.9, 0.99), fused=fused)
        best = _Best(count)
        for step in range(self.steps + 1):
            worn.wear(deltas)
            loss = losses(upper.logits(hidden, at).float(), given.wanted, at, count)
            best.take(deltas, loss.detach(), step, self.until, last=step == self.steps)
            if best.complete:
                break
            optimizer.param_groups[0]["lr"] = self.learning_rate * (1 - step / self.steps)
            optimizer.zero_grad()
            loss.sum().backward()
            optimizer.step()
        worn.wear(None)
        return best.written()

    def _stepped(self, upper: Upper, worn: Worn, given: Rows) -> Written:
        """One shard, by a named optimizer."""
        worn.wear(None)
        hidden, at = upper.below(given.ids), given.wanted != UNASKED
        own = {name: (low[0].detach(), high[0].detach()) for name, (low, high) in
               self._fresh(upper, 1).items()}  # fmt: skip
        optimizer: Optimize = methods.load(
            "weights.optimize", str(self.optimizer), **(self.optimizer_options or {})
        )
        steps = optimizer.over(parts(own))
        best = _Best(1)

        def loss() -> Tensor:
            worn.wear(sharing(own))
            return losses(upper.logits(hidden, at).float(), given.wanted, at, 1)[0]

        for step in range(self.steps):
            # A step changes them in place, and its loss is that of what they were.
            was = {name: (low.detach().clone(), high.detach().clone())
                   for name, (low, high) in own.items()}  # fmt: skip
            found = steps.step(loss, 1 - step / self.steps)
            best.take(sharing(was), found.reshape(1), step, self.until, last=False)
            if best.complete:
                break
        else:
            with torch.no_grad():
                best.take(sharing(own), loss().reshape(1), self.steps, self.until, last=True)
        steps.close()
        worn.wear(None)
        return best.written()[0]

    def _fresh(self, upper: Upper, count: int) -> Made:
        # The same A for each shard: what becomes of it is then decided by its own facts alone.
        torch_seed = torch.Generator().manual_seed(self.seed)
        made: Made = {}
        for name, one in upper.linear.items():
            rows, columns = one.weight.shape
            first = (torch.rand(self.r, columns, generator=torch_seed) * 2 - 1) / columns**0.5
            low = first.to(one.weight.device).expand(count, -1, -1).clone().requires_grad_()
            high = torch.zeros(count, rows, self.r, device=one.weight.device).requires_grad_()
            made[name] = (low, high)
        return made


class _Best:
    """Each shard as it was when it was done: going on for the others does not change it."""

    def __init__(self, count: int) -> None:
        self._done: list[Written | None] = [None] * count

    @property
    def complete(self) -> bool:
        return None not in self._done

    def take(
        self, deltas: Made, losses: Tensor, step: int, until: float, *, last: bool
    ) -> None:  # fmt: skip
        for shard, loss in enumerate(losses.tolist()):
            learnt = loss < until
            if self._done[shard] is None and (learnt or last):
                made = layout.named({
                    name: (low[shard], high[shard]) for name, (low, high) in deltas.items()
                })  # fmt: skip
                self._done[shard] = Written(made, {"loss": loss, "steps": step}, learnt)

    def written(self) -> list[Written]:
        return [one for one in self._done if one is not None]


@contextmanager
def _frozen(model: Any) -> Iterator[None]:
    """The model's own weights ask for no gradient meanwhile."""
    asking = [one for one in model.parameters() if one.requires_grad]
    for one in asking:
        one.requires_grad_(False)
    try:
        yield
    finally:
        for one in asking:
            one.requires_grad_(True)
