"""A long chat: how many tokens each turn computes, live and after a rest in the tiers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mnemon.bench.recall.sampling import Sample, sample
from mnemon.bench.reuse.plan import Bench, Plan
from mnemon.kv.reuse.conversation import Conversation
from mnemon.kv.reuse.prefix import PrefixCache
from mnemon.kv.tiers import CostModel, Tiers

if TYPE_CHECKING:
    from torch import Tensor

_CONTEXT = 1024
_ASKED = 13  # tokens of a question about pairs, with its answer


@dataclass(frozen=True)
class Chat:
    """Computed tokens of every turn: its prompt and its answer.

    Attributes:
        context: tokens before the first question; they are in the first turn.
        live: the conversation goes on with its own cache.
        rested: its state is let go after every turn and begins again from kept blocks.
        prompt: tokens of every turn's prompt, which is what it would compute with nothing kept.
        right: answers that are right, of all of both kinds.
    """

    context: int
    live: tuple[int, ...]
    rested: tuple[int, ...]
    prompt: tuple[int, ...]
    right: float

    @property
    def slope(self) -> float:
        """Tokens that a turn computes more than the one before it, of the live chat."""
        return slope_of(self.live[1:])

    @property
    def rested_slope(self) -> float:
        """The same of the rested one."""
        return slope_of(self.rested[1:])

    @property
    def prompt_slope(self) -> float:
        """The same with nothing kept."""
        return slope_of(self.prompt[1:])


def chat(bench: Bench) -> Chat:
    """Hold it twice."""
    turns = bench.plan.turns
    told = _dialogue(bench.plan)
    live, right = _held(bench, told, rests=False)
    rested, right_too = _held(bench, told, rests=True)
    prompt, so_far = [], len(told.context)
    for one in told.questions:
        so_far += len(one.ids)
        prompt.append(so_far)
        so_far += len(one.answer)
    share = (right + right_too) / (2 * turns)
    return Chat(len(told.context), tuple(live), tuple(rested), tuple(prompt), share)


def _dialogue(plan: Plan) -> Sample:
    """A context of about a thousand tokens, and so many questions about it."""
    length = min(plan.tokens, _CONTEXT) + _ASKED * plan.turns
    return sample("kv", length, plan.seed, plan.turns)


def _held(bench: Bench, told: Sample, rests: bool) -> tuple[list[int], int]:
    """Tokens that each turn computed, and how many answers were right."""
    counts, right = list[int](), 0
    tokens = list(told.context)
    folder = bench.folder / ("rested" if rests else "live")
    with Tiers(disk=folder, costs=CostModel(skips=False)) as tiers:
        prefixes = PrefixCache(bench.model, bench.tokenizer, tiers=tiers, size=bench.plan.block)
        conversation = Conversation(prefixes)
        for one in told.questions:
            tokens += one.ids
            prefilled = conversation.prefill(tokens)
            answer = _answer(conversation, prefilled.logits, len(one.answer))
            counts.append(prefilled.computed + len(answer) - 1)  # the last is not read
            right += tuple(answer) == one.answer
            tokens += one.answer  # the right one: a mistake changes no later turn
            if rests:
                conversation.rest()
            bench.step()
        conversation.close()
    return counts, right


def _answer(conversation: Conversation, logits: Tensor, count: int) -> list[int]:
    found = [int(logits.argmax())]
    while len(found) < count:
        found.append(int(conversation.append(found[-1:]).argmax()))
    return found


def slope_of(counts: Sequence[int]) -> float:
    """By how much each count is more than the one before it: the line of least squares."""
    if len(counts) < 2:
        return 0.0
    return float(np.polyfit(np.arange(len(counts)), counts, 1)[0])
