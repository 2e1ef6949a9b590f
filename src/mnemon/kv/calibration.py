"""Measuring a head profile: cut heads off from the far past, and see what is missed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
from torch.nn import functional

from mnemon import methods
from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.kv.cache import KVCache
from mnemon.kv.policy import Policy
from mnemon.kv.profile import GENERIC, HeadProfile, fingerprint

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from mnemon.kv.needs import Need
    from mnemon.kv.view import LayerView


@dataclass(frozen=True)
class Case:
    """Something to recall: token numbers of a context, of a question after it, of the answer."""

    context: tuple[int, ...]
    question: tuple[int, ...]
    answer: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, int, int]:
        """Their lengths: cases of one shape are measured together."""
        return len(self.context), len(self.question), len(self.answer)


@dataclass(frozen=True)
class _Given:
    """The allocator of a measurement: each head all of its candidates, or the sinks alone."""

    far: tuple[tuple[bool, ...], ...]

    needs: ClassVar[frozenset[Need]] = frozenset()
    ragged: ClassVar = True

    def allocate(self, views: Sequence[LayerView], scores: Sequence[Tensor], total: int) -> Tensor:
        batch, _, candidates = scores[0].shape
        counts = torch.where(torch.tensor(self.far), candidates, views[0].sinks)
        return counts[None].repeat(batch, 1, 1)


def repeated(vocabulary: int, count: int = 8, length: int = 512, seed: int = 0) -> list[Case]:
    """Cases for any model: random tokens, a few of which come again; what followed them?

    Args:
        vocabulary: tokens to draw from. count: cases. length: tokens of each context.
    """
    draw = torch.Generator().manual_seed(seed)
    made = []
    for _ in range(count):
        context = torch.randint(vocabulary, (length,), generator=draw).tolist()
        start = int(torch.randint(length // 2, (1,), generator=draw))
        made.append(
            Case(
                tuple(context),
                tuple(context[start : start + 16]),
                tuple(context[start + 16 : start + 24]),
            )
        )
    return made


def measure_heads(
    model: PreTrainedModel, cases: Sequence[Case] | None = None, measured: str = ""
) -> HeadProfile:
    """The order of the model's heads by how much they are missed, found by elimination.

    About 3 * L * Hkv forward passes over the cases.

    Args:
        cases: what to recall; random tokens that repeat, by default.
        measured: what the cases are, for the record.

    Raises:
        InvalidInput: no cases.
    """
    if cases is None:
        cases = repeated(seam.text_config(model).vocab_size)
        measured = measured or GENERIC
    if not cases:
        raise InvalidInput("a head profile needs at least one case")
    layers = len(KVCache(model, "recency", 1.0).compressed)
    heads = seam.text_config(model).num_key_value_heads
    alive = [(layer, head) for layer in range(layers) for head in range(heads)]
    order: list[tuple[int, int]] = []
    while len(alive) > 1:
        missed = {one: _loss(model, cases, set(alive) - {one}, (layers, heads)) for one in alive}
        gone = sorted(alive, key=missed.__getitem__)[: max(1, len(alive) // 3)]
        order += gone
        alive = [one for one in alive if one not in gone]
    order += alive
    rank = {one: (place + 1) / len(order) for place, one in enumerate(order)}
    weights = tuple(tuple(rank[layer, head] for head in range(heads)) for layer in range(layers))
    return HeadProfile(fingerprint(model), weights, measured)


@torch.inference_mode()
def _loss(
    model: PreTrainedModel,
    cases: Sequence[Case],
    far: set[tuple[int, int]],
    shape: tuple[int, int],
) -> float:
    """The mean of log(1 + loss of the answer) with only the heads `far` seeing far back."""
    layers, heads = shape
    seen = tuple(tuple((la, he) in far for he in range(heads)) for la in range(layers))
    policy = Policy(
        score=methods.load("kv.score", "recency"), allocate=_Given(seen), sinks=4, window=32
    )
    alike: dict[tuple[int, int, int], list[Case]] = {}
    for case in cases:
        alike.setdefault(case.shape, []).append(case)
    found = []
    for group in alike.values():
        contexts = torch.tensor([case.context for case in group], device=model.device)
        rest = torch.tensor([case.question + case.answer for case in group], device=model.device)
        cache = KVCache(model, policy, 0.9999)
        seam.forward(model, contexts, cache)
        logits = seam.forward(model, rest, cache)
        answers = rest[:, len(group[0].question) :]
        told = logits[:, len(group[0].question) - 1 : -1].float()
        losses = functional.cross_entropy(told.transpose(1, 2), answers, reduction="none")
        found.append(losses.mean(1).log1p())
    return float(torch.cat(found).mean())
