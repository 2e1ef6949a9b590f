"""The section `conflict`: the weights say one thing, the context another; which heads decide.

Each head of the later layers is scored by how much it promotes the answer that the weights hold
over the one that the context gives; the k best (memory heads) or the k last (context heads) are
zeroed, and the answers of other facts are read again, beside k random heads.

Jin et al. 2024, "Cutting Off the Head Ends the Conflict: A Mechanism for Interpreting and
Mitigating Knowledge Conflicts in Language Models" (PH3), https://arxiv.org/abs/2402.18154. HOW
OURS DIFFERS: a head is scored by zeroing it alone, not by path patching, so that what reaches the
answer through later heads counts too; the weights are an adapter that is worn whatever the gate
says (the gate itself lets the context answer, by the base).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mnemon.bench.recall import TASKS, sample
from mnemon.bench.weights.asking import judged, judged_ids
from mnemon.bench.weights.facts import Fact, facts
from mnemon.bench.weights.heads import Head, late_heads, zeroed
from mnemon.bench.weights.plan import NAMESPACE, Bench, share, tell
from mnemon.errors import InvalidInput
from mnemon.memory import Memory
from mnemon.weights import Reader

_LENGTH = 256


class _Read(NamedTuple):
    """Which source is answered (shares), and by how many nats a token the weights' answer is
    likelier than the context's."""

    context: float
    weights: float
    margin: float


def conflict(
    bench: Bench, count: int, each: int, tops: Sequence[int] = (1, 4, 8), draws: int = 2
) -> dict[str, Any]:
    """Scores of heads by half of the facts, and what the other half answers without some.

    Args:
        count: facts; two at least. each: general probes of each recall task.
        tops: how many heads are zeroed. draws: of random heads, for each of `tops`.

    Raises:
        InvalidInput: fewer than two facts.
    """
    if count < 2:
        raise InvalidInput(f"{count} fact is no half to score by and half to read: take 2 or more")
    told, _ = facts(count, bench.seed)
    scoring, reading = told[: count // 2], told[count // 2 :]
    probe = _Probe(bench, each)
    with Memory(":memory:", namespace=NAMESPACE) as memory:
        tell(memory, told)
        bench.consolidated(memory)
        with Reader(memory, bench.model, bench.tokenizer) as reader:
            whole = probe.read(reader, scoring, []).margin
            scores = {
                head: whole - probe.read(reader, scoring, [head]).margin
                for head in late_heads(bench.model)
            }
            rows = [probe.row(reader, reading, "none", [])]
            rows += [
                probe.row(reader, reading, kind, heads)
                for kind, heads in _cut(scores, tops, draws, bench.seed)
            ]
    ranked = sorted(scores, key=lambda head: -scores[head])
    return {
        "facts_scored": len(scoring), "facts_read": len(reading), "margin_scored": whole,
        "heads": [[*head, scores[head]] for head in ranked], "zeroed": rows,
    }  # fmt: skip


def _cut(
    scores: dict[Head, float], tops: Sequence[int], draws: int, seed: int
) -> list[tuple[str, list[Head]]]:
    ranked = sorted(scores, key=lambda head: -scores[head])
    rng, found = np.random.default_rng([seed, 6]), list[tuple[str, list[Head]]]()
    for top in (top for top in tops if top < len(ranked)):
        found += [("memory", ranked[:top]), ("context", ranked[-top:])]
        for _ in range(draws):
            drawn = rng.choice(len(ranked), top, replace=False).tolist()
            found.append(("random", [ranked[i] for i in drawn]))
    return found


class _Probe:
    def __init__(self, bench: Bench, each: int) -> None:
        self._model = bench.model
        self._general = [
            sample(task, _LENGTH, bench.seed + number) for task in TASKS for number in range(each)
        ]

    def row(
        self, reader: Reader, told: Sequence[Fact], kind: str, heads: list[Head]
    ) -> dict[str, Any]:
        """Without some heads: the answers to a conflict, and the base on general probes."""
        read = self.read(reader, told, heads)
        with zeroed(self._model, heads):
            general = [judged_ids(self._model, one.prompt(), one.answer) for one in self._general]
        return {
            "kind": kind, "heads": len(heads), "context": read.context, "weights": read.weights,
            "margin": read.margin, "general": share(one.exact for one in general),
            "general_perplexity": float(np.exp(np.mean([one.nll for one in general]))),
        }  # fmt: skip

    def read(self, reader: Reader, told: Sequence[Fact], heads: list[Head]) -> _Read:
        found = []
        with zeroed(self._model, heads):
            for one in told:
                reader.swap(reader.route(one.question)[0])
                found.append([
                    judged(self._model, one.question, value, one.other)
                    for value in (one.instead, one.value)
                ])  # fmt: skip
            reader.swap(None)
        return _Read(
            share(context.exact for context, _ in found),
            share(weights.exact for _, weights in found),
            float(np.mean([context.nll - weights.nll for context, weights in found])),
        )
