"""Whether a kept prefix changes the answer: greedy decoding beside recomputation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from mnemon.bench.kv.answering import Asking
from mnemon.bench.reuse.answers import First, computed, greedy, reused
from mnemon.bench.reuse.plan import Bench
from mnemon.kv.reuse.prefix import PrefixCache
from mnemon.kv.reuse.seeding import seeded
from mnemon.models import recall_lm

if TYPE_CHECKING:
    from torch import Tensor

TOKENS = 16


@dataclass(frozen=True)
class Greedy:
    """In one precision, over all samples.

    Attributes:
        prompts: how many. same: those whose greedy tokens are those of recomputation.
        bits: those whose logits are, to the last bit, those of computing the same pieces.
        difference: the largest of any logit from one pass over the whole prompt, in parts of the
            largest logit.
    """

    dtype: str
    prompts: int
    same: int
    bits: int
    difference: float


def identical(bench: Bench, dtype: str) -> Greedy:
    """Compare.

    Args:
        dtype: `float32` is how the bench's model is loaded; another one loads it once more.
    """
    model = bench.model
    if dtype != "float32":
        model = recall_lm.load(nano=bench.plan.model == "nano", dtype=dtype).model
    same = bits = 0
    difference = 0.0
    for number in range(bench.plan.samples):
        prompt, context = (
            list(one)
            for one in (bench.plan.sample(number).prompt(), bench.plan.sample(number).context)
        )
        prefixes = PrefixCache(model, bench.tokenizer, size=bench.plan.block)
        prefixes.publish(reused(prefixes, context).cache, context, seconds=1.0)
        again, once = reused(prefixes, prompt), computed(model, prompt)
        bits += bool(torch.equal(again.logits, _in_pieces(model, prompt, again.reused)))
        off = (again.logits - once.logits).abs().max() / once.logits.abs().max()
        difference = max(difference, float(off))
        same += greedy(model, again, TOKENS) == greedy(model, once, TOKENS)
        bench.step()
    return Greedy(dtype, bench.plan.samples, same, bits, difference)


def _in_pieces(model: Any, prompt: list[int], first: int) -> Tensor:
    """Logits of recomputing the prompt as it was first computed: its beginning, then the rest."""
    asking = Asking(model)
    with torch.inference_mode():
        cache = seeded(model, None)
        asking.run(cache, asking.tensor([prompt[:first]]))
        return First(asking.run(cache, asking.tensor([prompt[first:]]))[0, -1], cache, 0).logits
