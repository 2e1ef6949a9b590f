"""What a model makes of an answer: whether it would give it, and how likely it holds it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from mnemon.bench.recall import BOS, EOS, TASKS, ids, sample, text
from mnemon.weights import Reader


class Judged(NamedTuple):
    """Whether greedy decoding gives exactly this answer, and its nats a token."""

    exact: bool
    nll: float


def judged(model: Any, question: str, value: str, context: str = "") -> Judged:
    """By one pass over question and answer: greedy decoding gives it iff each token is the best."""
    prompt = (BOS, *ids(f"{context} {question}"))
    return judged_ids(model, prompt, (*ids(value), EOS))


def judged_ids(model: Any, prompt: Sequence[int], answer: Sequence[int]) -> Judged:
    """As `judged`, of token ids."""
    import torch

    given, wanted = (
        torch.tensor(one, device=model.device) for one in ([[*prompt, *answer]], answer)
    )
    with torch.no_grad():
        logits = model(given, use_cache=False, logits_to_keep=len(answer) + 1).logits[0, :-1]
    loss = torch.nn.functional.cross_entropy(logits.float(), wanted)
    return Judged(bool((logits.argmax(-1) == wanted).all()), float(loss))


class Probes(NamedTuple):
    """Shares of the probes that are right: by the base, by the reader, and by the reader if it wore
    some adapter at each without looking; `routed`: how many the gate sent to an adapter."""

    base: float
    gated: float
    ungated: float
    asked: int
    routed: int


def probes(model: Any, reader: Reader, each: int, length: int, seed: int) -> Probes:
    """The model's own tasks, answered from their contexts."""
    keys = sorted(reader.keys)
    right, routed, total = [0, 0, 0], 0, 0
    for task in TASKS:
        for number in range(each):
            one = sample(task, length, seed + number)
            key, _ = reader.route(text(one.question), text(one.context[1:]))
            routed += key is not None
            answered = dict[str | None, bool]()
            for place, worn in enumerate((None, key, keys[total % len(keys)])):
                if worn not in answered:
                    reader.swap(worn)
                    answered[worn] = judged_ids(model, one.prompt(), one.answer).exact
                right[place] += answered[worn]
            total += 1
    reader.swap(None)
    base, gated, ungated = (count / total for count in right)
    return Probes(base, gated, ungated, total, routed)
