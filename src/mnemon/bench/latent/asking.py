"""Facts as segments, questions about them, and whether a model that recalls would answer."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from mnemon.bench.recall import BOS, EOS, ids, plain
from mnemon.bench.weights.asking import Judged
from mnemon.bench.weights.facts import Fact
from mnemon.kv import seam
from mnemon.kv.attending import attending
from mnemon.weights import addresses
from mnemon.weights.associate import Associate, Recalled, Segment, State
from mnemon.weights.lesson import Pair

if TYPE_CHECKING:
    from mnemon.bench.latent.section import Setting

_SALT = "bench"


def segments(facts: Sequence[Fact], tokens: int, seed: int) -> list[Segment]:
    """A fact each, and filler behind it, to so many tokens with the first one."""
    filler = plain(1 + tokens * len(facts), seed)[1:]
    made = []
    for number, one in enumerate(facts):
        told = ids(one.told)
        rest = filler[number * tokens :][: tokens - 1 - len(told)]
        at = addresses.address(one.subject, one.told, _SALT)
        made.append(Segment(at, (BOS,), (*told, *rest), (question(one),)))
    return made


def question(one: Fact, text: str | None = None) -> Pair:
    """A fact's question, or one in other words, with its answer."""
    return Pair((BOS, *ids(one.question if text is None else text)), (*ids(one.value), EOS))


def recalled(setting: Setting, method: Associate, state: State, one: Fact) -> Recalled | None:
    """What a state gives the decoder for a fact's question."""
    return method.read(setting.model, state, addresses.asked(one.question, _SALT))


def judged(setting: Setting, one: Fact, read: Recalled | None) -> Judged:
    """By one pass over question and answer, after what was recalled, or by the model alone."""
    pair = question(one)
    if read is None:
        read = Recalled(seam.native_cache(setting.model), 0, 0.0)
        return _judged(setting.model, pair.prompt, pair.target, read)
    return _judged(setting.model, pair.prompt[1:], pair.target, read)


def after(setting: Setting, context: Sequence[int]) -> Recalled:
    """A context as what was recalled: for all questions about it."""
    import torch

    cache = seam.native_cache(setting.model)
    with torch.no_grad():
        seam.forward(setting.model, torch.tensor([list(context)]), cache, logits_to_keep=1)
    return Recalled(cache, len(context), 1.0)


def _judged(model: Any, prompt: Sequence[int], answer: Sequence[int], read: Recalled) -> Judged:
    import torch

    given, wanted = torch.tensor([[*prompt, *answer]]), torch.tensor(answer)
    places = torch.arange(given.shape[1])[None] + read.start
    beside = nullcontext() if read.beside is None else attending(model, read.beside)
    with torch.no_grad(), beside:
        logits = seam.forward(
            model, given, copy.deepcopy(read.cache), position_ids=places,
            logits_to_keep=len(answer) + 1,
        )[0, :-1]  # fmt: skip
    loss = torch.nn.functional.cross_entropy(logits, wanted)
    return Judged(bool((logits.argmax(-1) == wanted).all()), float(loss))
