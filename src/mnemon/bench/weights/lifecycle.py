"""The section `lifecycle`: facts are told, trained, asked without context, and forgotten.

The base alone, weights alone and the gold fact in the context stand side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mnemon.bench import device
from mnemon.bench.weights import swapping
from mnemon.bench.weights.asking import judged, probes
from mnemon.bench.weights.facts import Fact, facts
from mnemon.bench.weights.plan import MOST, NAMESPACE, Bench, Spent, share, tell, timed
from mnemon.errors import InvalidInput
from mnemon.memory import Memory
from mnemon.weights import Consolidated, Reader

LENGTH = 256
SOME = 50
"""Facts that are also asked in other words, and against a context."""
STAGES = 3


def lifecycle(
    bench: Bench, memory: Memory, count: int, forgotten: int, *, each: int, swaps: int,
    say: Callable[[], None],
) -> dict[str, Any]:  # fmt: skip
    """The figures of facts trained into weights, and of those that are forgotten again.

    Args:
        memory: an empty one.
        each: general probes of each recall task. swaps: of adapters, to be timed.
        say: called after each of `STAGES` stages: trained, asked, forgotten.

    Raises:
        InvalidInput: not fewer forgotten than there are, or no adapter learnt anything.
    """
    check(count, forgotten)
    return _Run(bench, count, forgotten, each, swaps).measured(memory, say)


def check(count: int, forgotten: int) -> None:
    """Raises InvalidInput if not fewer are forgotten than there are."""
    if not 0 < forgotten < count:
        raise InvalidInput(f"{forgotten} of {count} facts cannot be forgotten: take 1 to count - 1")


class _Run:
    def __init__(self, bench: Bench, count: int, forgotten: int, each: int, swaps: int) -> None:
        self.bench, self.model = bench, bench.model
        self.facts, self.strangers = facts(count, bench.seed)
        self.each, self.swaps = each, swaps
        self.doomed = [self.facts[i] for i in bench.drawn(1, forgotten, count)]
        gone = {one.subject for one in self.doomed}
        self.staying = [one for one in self.facts if one.subject not in gone]

    def measured(self, memory: Memory, say: Callable[[], None]) -> dict[str, Any]:
        cubes = tell(memory, self.facts)
        with device.peaks(self.model.device) as peaks:
            made, spent = timed(lambda: self.bench.consolidated(memory))
        _some_learnt(made)
        say()
        figures = {**_base(self.model, self.facts), **_trained(made, len(self.facts), spent)}
        figures |= _on_card(peaks())
        with self._reader(memory) as reader:
            figures |= self._known(reader)
            figures |= swapping.swaps(reader, self.swaps, self.model.device)
        say()
        doomed = [cubes[one.subject].id for one in self.doomed]
        again, less = timed(lambda: self._forgotten(memory, doomed))
        with self._reader(memory) as reader:
            figures |= self._left(reader, again, memory)
        say()
        return figures | {
            "retrained_facts": sum(len(one.sources) for one in again.trained),
            "forget_seconds": less.wall, "forget_cpu_seconds": less.cpu,
            "forget_time_ratio": less.cpu / spent.cpu,
            "forget_wall_ratio": less.wall / spent.wall,
        }  # fmt: skip

    def _reader(self, memory: Memory) -> Reader:
        return Reader(memory, self.model, self.bench.tokenizer)

    def _known(self, reader: Reader) -> dict[str, Any]:
        told = self._some()
        found = probes(self.model, reader, self.each, LENGTH, self.bench.seed)
        return {
            "recall": _recall(reader, self.facts),
            "recall_paraphrase": share(
                reader.answer(one.paraphrase, most=MOST).text == one.value for one in told
            ),
            "general_base": found.base, "general": found.gated,
            "general_delta": found.gated - found.base,
            "general_delta_ungated": found.ungated - found.base,
            "general_probes": found.asked, "general_probes_routed": found.routed,
            **self._wrong_document(reader), **_conflict(self.model, reader, told),
            "forgotten_nll_before": self._nll(reader, None),
        }  # fmt: skip

    def _some(self) -> list[Fact]:
        among = len(self.facts)
        return [self.facts[i] for i in self.bench.drawn(2, min(among, SOME), among)]

    def _wrong_document(self, reader: Reader) -> dict[str, float]:
        """Strangers' questions: how often the answer is a stored value, with the gate, without."""
        stored, keys = {one.value for one in self.facts}, sorted(reader.keys)
        gated = [reader.answer(one.question, most=MOST).text in stored for one in self.strangers]
        ungated = [
            reader.answer(one.question, adapter=keys[number % len(keys)], most=MOST).text in stored
            for number, one in enumerate(self.strangers)
        ]
        return {
            "wrong_document": share(gated),
            "wrong_document_ungated": share(ungated),
        }

    def _left(self, reader: Reader, again: Consolidated, memory: Memory) -> dict[str, Any]:
        keys = [one.key for one in again.trained]
        answered = {
            one.subject: [reader.answer(one.question, adapter=key, most=MOST).text for key in keys]
            for one in self.doomed
        }
        return {
            "forgotten_recall": _recall(reader, self.doomed),
            "forgotten_recall_ungated": share(
                one.value in answered[one.subject] for one in self.doomed
            ),
            "kept_recall": _recall(reader, self.staying),
            "retrained_shards": len(keys),
            "forgotten_nll_after": self._nll(reader, None),
            **self._never_saw(reader, again, memory),
        }

    def _never_saw(self, reader: Reader, again: Consolidated, memory: Memory) -> dict[str, Any]:
        """The shards that were trained again, beside those of a memory that never had the facts."""
        subjects = {one for made in again.trained for one in made.header["subjects"]}
        if not subjects:
            return {}
        ours = [one for one in self.staying if reader.digest(one.subject) in subjects]
        ungated = self._nll(reader, again.trained[0].key)
        reader.close()
        with Memory(":memory:", namespace=NAMESPACE) as other:
            tell(other, ours)
            control = self.bench.consolidated(other)
            with self._reader(other) as innocent:
                never = self._nll(innocent, control.trained[0].key)
            bytes_of = [
                {one.header["subjects"][0]: of.artifacts.open(one.key).payload for one in made}
                for of, made in ((memory, again.trained), (other, control.trained))
            ]
        same = share(bytes_of[0][one] == bytes_of[1].get(one) for one in bytes_of[0])
        return {
            "forgotten_nll_ungated": ungated, "forgotten_nll_never_saw": never,
            "retrained_same_as_never_saw": same,
        }  # fmt: skip

    def _nll(self, reader: Reader, key: str | None) -> float:
        """Mean nats a token of what is (to be) forgotten; by the gate if no adapter is named."""
        found = []
        for one in self.doomed:
            reader.swap(key or reader.route(one.question)[0])
            found.append(judged(self.model, one.question, one.value).nll)
        reader.swap(None)
        return float(np.mean(found))

    def _forgotten(self, memory: Memory, ids: Sequence[str]) -> Consolidated:
        memory.forget(ids, purge=True)
        return self.bench.consolidated(memory)


def _base(model: Any, told: Sequence[Fact]) -> dict[str, float]:
    found = [judged(model, one.question, one.value) for one in told]
    context = [judged(model, one.question, one.value, one.told).exact for one in told]
    return {
        "chance": share(one.exact for one in found),
        "base_nll": float(np.mean([one.nll for one in found])),
        "recall_in_context": share(context),
    }


def _trained(made: Consolidated, count: int, spent: Spent) -> dict[str, Any]:
    size = sum(one.size for one in made.trained)
    steps = [one.header["figures"]["steps"] for one in made.trained]
    return {
        "facts": count, "shards": len(made.trained), "unlearnt": len(made.unlearnt),
        "train_seconds": spent.wall, "train_cpu_seconds": spent.cpu,
        "steps_mean": float(np.mean(steps)),
        "adapter_bytes": size, "adapter_bytes_per_fact": size / count,
    }  # fmt: skip


def _some_learnt(made: Consolidated) -> None:
    if len(made.unlearnt) < len(made.trained):
        return
    best = min(one.header["figures"]["loss"] for one in made.trained)
    raise InvalidInput(
        f"no adapter of {len(made.trained)} learnt its facts (the best: {best:.3f} nats a token), "
        "so that nothing can be asked: give the method more steps, or another learning_rate"
    )


def _on_card(peaks: device.Peaks | None) -> dict[str, int]:
    if peaks is None:
        return {}
    return {"train_allocated_bytes": peaks.allocated, "train_reserved_bytes": peaks.reserved}


def _conflict(model: Any, reader: Reader, told: Sequence[Fact]) -> dict[str, float]:
    """A context says otherwise: what is answered with the gate, and if weights are worn anyway."""
    gated = [reader.answer(one.question, one.other, most=MOST).text for one in told]
    forced = [
        reader.answer(
            one.question, one.other, adapter=reader.route(one.question)[0], most=MOST
        ).text
        for one in told
    ]
    values = [(one.instead, one.value) for one in told]
    return {
        "conflict_context_wins": share(a == v[0] for a, v in zip(gated, values, strict=True)),
        "conflict_ungated_context": share(a == v[0] for a, v in zip(forced, values, strict=True)),
        "conflict_ungated_weights": share(a == v[1] for a, v in zip(forced, values, strict=True)),
    }


def _recall(reader: Reader, told: Sequence[Fact]) -> float:
    return share(reader.answer(one.question, most=MOST).text == one.value for one in told)
