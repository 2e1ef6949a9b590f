"""A long chat of a local model with a memory: what each turn computes, and whether it is verified.

the code for maiposhi is x04 x1a x44 xc5 .          (a cube, one of as many as there are turns)
what is the code for maiposhi ? → x04 x1a x44 xc5   (a turn: recalled, put in, asked, stored)
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mnemon.bench.recall import needles
from mnemon.bench.recall.planting import Draw
from mnemon.bench.recall.vocabulary import text
from mnemon.bench.reuse.chat import slope_of
from mnemon.bench.reuse.plan import Bench
from mnemon.kv.tiers import Tiers
from mnemon.memory import Memory
from mnemon.models.local import Runtime

_RECALLED = 40
"""Tokens, as the memory counts them, that a turn may recall."""
_VERIFIED = 0.2


@dataclass(frozen=True)
class Talk:
    """Every turn of it.

    Attributes:
        computed: tokens that the model computed before the answer began.
        prompt: tokens of the prompt, which is what it would compute with nothing kept.
        right: answers that are the code that was asked for.
        looked: turns whose logits were compared with recomputation. differed: of these, those that
            were too far off. largest: difference of a logit.
    """

    computed: tuple[int, ...]
    prompt: tuple[int, ...]
    right: int
    looked: int
    differed: int
    largest: float

    @property
    def slope(self) -> float:
        """Tokens that a turn computes more than the one before it."""
        return slope_of(self.computed[1:])

    @property
    def prompt_slope(self) -> float:
        """The same with nothing kept."""
        return slope_of(self.prompt[1:])


def talk(bench: Bench) -> Talk:
    """Hold it."""
    turns = bench.plan.turns
    keys, codes, told = needles.keyed(Draw(np.random.default_rng(bench.plan.seed)), turns)
    computed, prompt, right = list[int](), list[int](), 0
    with (
        Memory(bench.folder / "memory.db") as memory,
        Tiers(disk=bench.folder / "kv") as tiers,
    ):
        memory.add([text(map(int, one)) for one in told])
        runtime = Runtime(
            bench.model, memory, tokenizer=bench.tokenizer, tiers=tiers, budget=_RECALLED,
            verify=_VERIFIED, max_new_tokens=8,
        )  # fmt: skip
        for key, code in zip(keys, codes, strict=True):
            reply = runtime.chat(f"what is the code for {text([int(key)])} ?")
            computed.append(reply.trace.computed)
            prompt.append(reply.trace.prompt)
            right += reply.text == text(map(int, code))
            bench.step()
        checked = runtime.verifying
        runtime.rest()
    return Talk(
        tuple(computed), tuple(prompt), right,
        checked.counts["looked"], checked.counts["differed"], checked.largest,
    )  # fmt: skip
