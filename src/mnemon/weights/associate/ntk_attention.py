"""A prefix of any length as a matrix Z and a vector k a head, beside attention.

Liang et al. 2024, "Toward Infinite-Long Prefix in Transformer", https://arxiv.org/abs/2406.14036
(code: https://github.com/ChristianYang37/chiwun at 8d9ff65, src/NTK-Attention): a prefix adds
phi(q) Z to attention's numerator and phi(q) k to its denominator, phi(x) = elu(x / D ** 0.25) + 1.

HOW OURS DIFFERS: Z and k are those of real tokens, Z = sum of phi(key) value' and k = sum of
phi(key), where the paper trains them from nothing; `steps` trains them on from there, by questions
and answers. One Z and k a key-value head. Each segment is read alone, from the first place on, and
the question stands behind the longest. Sums are kept on a grid: a segment is subtracted to the last
bit; what was trained cannot be, and is made again. Cannot be combined with a KVCache, nor with
sliding-window or recurrent layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.nn import functional

from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.kv.attending import attending
from mnemon.weights import grid, latents
from mnemon.weights.associate import Recalled, Segment, State
from mnemon.weights.linear_prefix import (
    Beside,
    Prefix,
    layers,
    of_means,
    of_tensors,
    summed,
    to_tensors,
)

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.weights.lesson import Pair

__all__ = ["NTKAttention"]


@dataclass(frozen=True)
class NTKAttention:
    """An infinite prefix.

    Attributes:
        tokens: that a segment has at most, the tokenizer's first one included; questions stand
            behind so many.
        bits: after the point, of each segment's sums.
        steps: of Adam, at `learning_rate`, on the segments' questions; 0: sums alone.
        batch: questions a step. seed: of their order.
    """

    tokens: int = 64
    bits: int = 20
    steps: int = 0
    learning_rate: float = 0.15
    batch: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        if self.tokens < 2 or self.steps < 0 or self.batch < 1:
            raise InvalidInput(
                f"tokens={self.tokens}, steps={self.steps}, batch={self.batch}: take 2 tokens or "
                "more, no steps or more, and batches of 1 or more"
            )

    @property
    def additive(self) -> bool:
        """If nothing is trained."""
        return self.steps == 0

    @property
    def room(self) -> None:
        """All are one sum, from the first on."""
        return None

    def write(self, model: Any, state: State, segments: Sequence[Segment]) -> State:
        """Z `[Hkv, D, Dv]` and k `[Hkv, D]` of each layer, float64; the opening, and how many.

        Raises:
            InvalidInput: a trained state is written to: train it anew with all that is in it.
        """
        if state and not self.additive:
            raise InvalidInput("what is trained cannot be added to: write all segments at once")
        told = self._changed(model, state, segments, 1)
        return self._trained(model, told, segments) if told and self.steps else told

    def erase(self, model: Any, state: State, segments: Sequence[Segment]) -> State:
        """As if they had never been written, byte for byte (on the machine that wrote them).

        Raises:
            InvalidInput: the state is trained.
        """
        if not self.additive:
            raise InvalidInput("what is trained cannot be subtracted: write the others anew")
        return self._changed(model, state, segments, -1)

    def read(self, model: Any, state: State, addresses: Sequence[str]) -> Recalled | None:
        """All that was written, whatever is asked; the cache holds the tokenizer's first token."""
        if not state:
            return None
        beside = Beside(layers(model), of_tensors(state))
        opening = state["opening"].tolist()
        before = latents.encoded(model, opening) if opening else None
        keys, values = before or ((), ())
        cache = latents.filled(model, [one[None] for one in keys], [one[None] for one in values])
        return Recalled(cache, self.tokens, 1.0, beside)

    def _changed(self, model: Any, state: State, segments: Sequence[Segment], sign: int) -> State:
        for one in segments:
            state = self._with(state, one, to_tensors(self._part(model, one)), sign)
        return state if state and int(state["written"]) else {}

    def _part(self, model: Any, segment: Segment) -> Prefix:
        whole = (*segment.opening, *segment.ids)
        if len(whole) > self.tokens:
            raise InvalidInput(
                f"a segment has {len(whole)} tokens, and the memory takes {self.tokens} at most"
            )
        return summed(latents.encoded(model, whole), len(segment.opening))

    def _with(
        self, state: State, segment: Segment, part: dict[str, Tensor], sign: int
    ) -> dict[str, Tensor]:
        start = state or {
            **{name: torch.zeros_like(one) for name, one in part.items()},
            "opening": torch.tensor(segment.opening, dtype=torch.long),
            "written": torch.zeros(1, dtype=torch.long),
        }
        told = {
            name: grid.added(start[name], sign * grid.rounded(one, self.bits), self.bits)
            for name, one in part.items()
        }
        return {**told, "opening": start["opening"], "written": start["written"] + sign}

    def _trained(self, model: Any, state: State, segments: Sequence[Segment]) -> State:
        """Z and k trained on from the sums: the mean value of each feature, and its weight."""
        pairs = [pair for one in segments for pair in one.pairs]
        if not pairs:
            raise InvalidInput("no segment has a question: there is nothing to train on")
        before = of_tensors(state)
        weights = [k.clamp_min(2.0**-self.bits) for k in before.k]  # a feature may have none
        means = [
            (z / k[..., None]).float().requires_grad_()
            for z, k in zip(before.z, weights, strict=True)
        ]
        log_k = [k.log().float().requires_grad_() for k in weights]
        optimizer = torch.optim.Adam([*means, *log_k], lr=self.learning_rate)
        for step, batch in enumerate(self._batches(pairs)):
            optimizer.param_groups[0]["lr"] = self.learning_rate * (1 - step / self.steps)
            loss = self.loss(model, {**state, **to_tensors(of_means(means, log_k))}, batch)
            # Of the prefix alone: the model's own parameters are left without gradients.
            slopes = torch.autograd.grad(loss, [*means, *log_k])
            for one, slope in zip([*means, *log_k], slopes, strict=True):
                one.grad = slope
            optimizer.step()
        made = of_means(
            [one.detach().double() for one in means], [k.detach().double() for k in log_k]
        )
        return {**state, **to_tensors(made)}

    def _batches(self, pairs: Sequence[Pair]) -> Iterator[list[Pair]]:
        drawn = torch.Generator().manual_seed(self.seed)
        left: list[int] = []
        for _ in range(self.steps):
            while len(left) < min(self.batch, len(pairs)):
                left += torch.randperm(len(pairs), generator=drawn).tolist()
            taken, left = left[: self.batch], left[self.batch :]
            yield [pairs[one] for one in taken]

    def loss(self, model: Any, state: State, pairs: Sequence[Pair]) -> Tensor:
        """Mean nats a token of answers, with what a state holds beside the questions; with a state
        of {}, of the model alone."""
        opening = len(state["opening"]) if state else 0
        rows = [([*one.prompt[opening:]], [*one.target]) for one in pairs]
        width = max(len(prompt) + len(target) for prompt, target in rows)
        ids, wanted = torch.zeros(len(rows), width).long(), torch.full((len(rows), width), -100)
        for row, (prompt, target) in enumerate(rows):
            ids[row, : len(prompt) + len(target)] = torch.tensor(prompt + target)
            start = len(prompt) - 1
            wanted[row, start : start + len(target)] = torch.tensor(target)
        logits = self._logits(model, state, ids)
        return functional.cross_entropy(logits.flatten(0, 1), wanted.flatten())

    def _logits(self, model: Any, state: State, ids: Tensor) -> Tensor:
        if not state:
            return model(ids.to(model.device), use_cache=False).logits.float().cpu()
        read = self.read(model, state, ())
        assert read is not None
        cache, count = read.cache, ids.shape[0]
        cache.batch_repeat_interleave(count)
        places = torch.arange(ids.shape[1], device=model.device)[None] + read.start
        with attending(model, read.beside):
            return (
                seam.forward(model, ids.to(model.device), cache, position_ids=places).float().cpu()
            )
