"""Adapters that are trained on: `lora`'s own updates, one at a time, from where they last stopped.

`weights.write` trains fresh adapters to the end and hands them over. What a model knows *while* it
learns, or after it went on to learn other things in the same weights, is seen here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from mnemon import methods
from mnemon.bench.weights.asking import Judged
from mnemon.bench.weights.exam import Rows, judged_rows, losses, packed
from mnemon.errors import InvalidInput
from mnemon.weights import layout
from mnemon.weights.seam import Upper, Worn

if TYPE_CHECKING:
    from mnemon.bench.weights.plan import Bench
    from mnemon.weights.lesson import Pair

_METHOD = "lora"


def check(method: str) -> None:
    """Raises InvalidInput if a method's updates are not known one at a time."""
    if method != _METHOD:
        raise InvalidInput(
            f"{method!r} cannot be trained an update at a time: take {_METHOD!r}, or leave out the "
            "sections edits and retention"
        )


class Learner:
    """Adapters of S shards, worn by a model until `close`."""

    def __init__(self, bench: Bench, shards: int = 1) -> None:
        """Raises InvalidInput if the method's updates are not known one at a time."""
        check(bench.method)
        self._options: Any = methods.load("weights.write", bench.method, **bench.options)
        self.upper = Upper(bench.model, self._options.layers)
        self._deltas = self._fresh(bench.model, shards)
        scale = self._options.lora_alpha / self._options.r
        self._worn = Worn(self.upper.linear, scale)

    def rows(self, shards: Sequence[Sequence[Pair]]) -> Rows:
        """Pairs, made ready to be learnt or judged."""
        self._worn.wear(None)
        return packed(self.upper, shards)

    def judged(self, rows: Rows) -> list[Judged]:
        """What the adapters as they are make of pairs, in order, shard by shard."""
        self._worn.wear(self._deltas)
        return judged_rows(self.upper, rows)

    def learn(self, rows: Rows, seen: Callable[[], None] | None = None) -> int:
        """As one `write` does it, but from what the adapters hold; how many updates it took.

        Args:
            seen: called after each update.
        """
        options = self._options
        parts = [one for pair in self._deltas.values() for one in pair]
        optimizer = torch.optim.Adam(parts, lr=options.learning_rate, betas=(0.9, 0.99))
        for step in range(options.steps):
            self._worn.wear(self._deltas)
            loss = losses(self.upper, rows)
            if bool((loss < options.until).all()):
                return step
            optimizer.param_groups[0]["lr"] = options.learning_rate * (1 - step / options.steps)
            optimizer.zero_grad()
            loss.sum().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if seen is not None:
                seen()
        return int(options.steps)

    def close(self) -> None:
        """Take off the adapters."""
        self._worn.close()

    def __enter__(self) -> Learner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _fresh(self, model: Any, shards: int) -> dict[str, Any]:
        """As the method begins: what it writes after no update, for each shard."""
        anything = _nothing_learnt(self._options, model)
        like = next(model.parameters())
        return {
            name: tuple(one.expand(shards, -1, -1).clone().requires_grad_() for one in pair)
            for name, pair in layout.deltas(anything, 1.0, like.float()).items()
        }


def _nothing_learnt(options: Any, model: Any) -> bytes:
    from mnemon.weights.lesson import Pair

    pair = Pair((0,), (0,))
    (written,) = replace(options, steps=0).write(model, [[pair]])
    return layout.to_bytes(written.tensors)
