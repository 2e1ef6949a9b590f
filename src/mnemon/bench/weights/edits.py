"""The section `edits`: facts change; is the new value answered, and what else broke.

As Mnemon does it, `memory.update` and `consolidate` train the changed facts' shards again; beside
it, one adapter that holds all facts is trained on with the new values alone. Edit success,
paraphrase and locality are those of Meng et al. 2022, "Locating and editing factual associations in
GPT", https://arxiv.org/abs/2202.05262 (efficacy, generalization, specificity). HOW OURS DIFFERS: an
answer counts if greedy decoding gives every token of it, not if it is the likelier of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mnemon.bench.recall import BOS, EOS, ids
from mnemon.bench.weights.asking import Judged, judged, probes
from mnemon.bench.weights.facts import Fact, facts
from mnemon.bench.weights.learner import Learner
from mnemon.bench.weights.plan import NAMESPACE, Bench, share, tell, timed
from mnemon.errors import InvalidInput
from mnemon.memory import Memory
from mnemon.weights import Consolidated, Reader
from mnemon.weights.lesson import Pair

_LENGTH = 256
ONE_ADAPTER = 16
"""Facts that one adapter holds, at most."""


def edits(bench: Bench, count: int, edited: int, each: int) -> dict[str, Any]:
    """The figures of `edited` facts of `count` that change.

    Args:
        each: general probes of each recall task.

    Raises:
        InvalidInput: not fewer edited than there are.
    """
    if not 0 < edited < count:
        raise InvalidInput(f"{edited} of {count} facts cannot be edited: take 1 to count - 1")
    told, _ = facts(count, bench.seed)
    chosen = [told[i] for i in bench.drawn(5, edited, count)]
    with Memory(":memory:", namespace=NAMESPACE) as memory:
        sharded = _sharded(bench, memory, told, chosen, each)
    few = told[: min(count, ONE_ADAPTER)]
    return {
        "facts": count, "edited": edited, "sharded": sharded,
        "one_adapter": _one_adapter(bench, few, max(1, len(few) * edited // count)),
    }  # fmt: skip


def _sharded(
    bench: Bench, memory: Memory, told: Sequence[Fact], chosen: Sequence[Fact], each: int
) -> dict[str, Any]:
    cubes = tell(memory, told)
    _, first = timed(lambda: bench.consolidated(memory))
    with Reader(memory, bench.model, bench.tokenizer) as reader:
        before = {one.subject: _judged(bench, reader, one, one.value) for one in told}
        old = [before[one.subject].nll for one in chosen]
    for one in chosen:
        memory.update(cubes[one.subject].id, _changed(one))
    again, spent = timed(lambda: bench.consolidated(memory))
    with Reader(memory, bench.model, bench.tokenizer) as reader:
        found = _after(bench, reader, told, chosen, again)
        general = probes(bench.model, reader, each, _LENGTH, bench.seed)
    return {
        "recall_before": share(one.exact for one in before.values()), "old_nll_before": _mean(old),
        **found, "retrained_shards": len(again.trained), "kept_shards": len(again.kept),
        "general_delta": general.gated - general.base, "edit_time_ratio": spent.cpu / first.cpu,
    }  # fmt: skip


def _after(
    bench: Bench, reader: Reader, told: Sequence[Fact], chosen: Sequence[Fact], again: Consolidated
) -> dict[str, Any]:
    """The edited facts, those that share a shard with one, and all others."""
    gone = {one.subject for one in chosen}
    trained = {subject for made in again.trained for subject in made.header["subjects"]}
    staying = [one for one in told if one.subject not in gone]
    near = [one for one in staying if reader.digest(one.subject) in trained]
    far = [one for one in staying if reader.digest(one.subject) not in trained]
    new = [_judged(bench, reader, one, one.instead) for one in chosen]
    old = [_judged(bench, reader, one, one.value) for one in chosen]
    again_asked = [_judged(bench, reader, one, one.instead, one.paraphrase).exact for one in chosen]
    return {
        "edit_success": share(one.exact for one in new),
        "edit_success_paraphrase": share(again_asked),
        "old_value_answered": share(one.exact for one in old),
        "new_nll": _mean([one.nll for one in new]), "old_nll": _mean([one.nll for one in old]),
        "neighbours": len(near), "locality_neighbours": _right(bench, reader, near),
        "others": len(far), "locality_others": _right(bench, reader, far),
    }  # fmt: skip


def _one_adapter(bench: Bench, told: Sequence[Fact], edited: int) -> dict[str, Any]:
    """All facts in one adapter, which then learns the new values of the first ones alone."""
    lessons = [pair for pairs in bench.pairs(told) for pair in pairs]
    changed = [_told_anew(one) for one in told[:edited]]
    news = [pair for pairs in bench.pairs(changed) for pair in pairs]
    asked = [_cue(one.question, one.value) for one in told]
    asked += [_cue(question, one.value) for one in changed
              for question in (one.question, one.paraphrase)]  # fmt: skip
    with Learner(bench) as learner:
        test = learner.rows([asked])
        updates = [learner.learn(learner.rows([lessons]))]
        before = learner.judged(test)[: len(told)]
        updates.append(learner.learn(learner.rows([news])))
        after = learner.judged(test)
    new = after[len(told) :]
    return {
        "facts": len(told), "edited": edited, "updates": updates,
        "recall_before": share(one.exact for one in before),
        "edit_success": share(one.exact for one in new[::2]),
        "edit_success_paraphrase": share(one.exact for one in new[1::2]),
        "old_value_answered": share(one.exact for one in after[:edited]),
        "locality_others": share(one.exact for one in after[edited : len(told)]),
    }  # fmt: skip


def _changed(one: Fact) -> str:
    return one.told.removesuffix(f"{one.value} .") + f"{one.instead} ."


def _told_anew(one: Fact) -> Fact:
    return Fact(
        one.subject, _changed(one), one.question, one.paraphrase, one.instead, one.other, one.value
    )  # fmt: skip


def _cue(question: str, value: str) -> Pair:
    return Pair((BOS, *ids(question)), (*ids(value), EOS))


def _judged(bench: Bench, reader: Reader, one: Fact, value: str, question: str = "") -> Judged:
    asked = question or one.question
    reader.swap(reader.route(asked)[0])
    return judged(bench.model, asked, value)


def _right(bench: Bench, reader: Reader, told: Sequence[Fact]) -> float | None:
    """None where there are none."""
    return share(_judged(bench, reader, o, o.value).exact for o in told) if told else None


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))
