"""Later turns, a pass each: `python scripts/measure_kv_turns.py auto@0.25 auto@0.1`.

What the regime `decode` of `mnemon bench kv` measures token by token, in a sixth of the passes:
question and answer go through the cache together, dense pairs on recall-lm, 4,096 tokens in all.
Counted are all answers, and those of the last third. `full` comes first; the others are compared
with it, answer by answer.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Sequence

import torch
from torch import Tensor

from mnemon.bench.kv.answering import Asking, make_cache, share_of_budget
from mnemon.bench.kv.cases import Case, cases
from mnemon.bench.kv.cells import FULL, Cell
from mnemon.bench.kv.loading import Which

LENGTH, TOKENS, TOGETHER = 4096, 2048, 32


def batches(task: str, samples: int) -> list[list[Case]]:
    """Cases of one shape, as many at once as are asked together."""
    alike = defaultdict(list)
    for one in cases(Cell("decode", task, LENGTH, FULL, "1.0", samples, 0, TOKENS, 0)):
        alike[one.shape].append(one)
    return [
        some[start : start + TOGETHER]
        for some in alike.values()
        for start in range(0, len(some), TOGETHER)
    ]


def turns(asking: Asking, policy: str, budget: str, batch: Sequence[Case]) -> tuple[Tensor, float]:
    """Which answers are exact `[B, turns]`, and the most of its budget that the cache held."""
    cache = make_cache(asking.model, policy, budget)
    asking.run(cache, asking.tensor([one.context for one in batch]))
    right, most = [], share_of_budget(cache)
    for place in range(len(batch[0].turns)):
        asked = [one.turns[place] for one in batch]
        ids = asking.tensor([one.question + one.answer for one in asked])
        ending = len(asked[0].answer)
        told = asking.run(cache, ids, ending + 1)[:, :-1].argmax(-1)
        right.append((told == ids[:, -ending:]).all(1))
        most = max(most, share_of_budget(cache))
    return torch.stack(right, 1).cpu(), most


def main() -> None:
    """Measure and print, policy after policy."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("policies", nargs="+", help="each POLICY@BUDGET")
    parser.add_argument("--samples", type=int, default=64)
    parser.add_argument("--task", default="kv")
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    asking = Asking(Which(device=asked.device, dtype="bfloat16").load().model)
    drawn, full = batches(asked.task, asked.samples), None
    for text in [f"{FULL}@1.0", *asked.policies]:
        policy, _, budget = text.partition("@")
        began = time.perf_counter()
        with torch.inference_mode():
            found = [turns(asking, policy, budget, batch) for batch in drawn]
        right = torch.cat([one for one, _ in found])
        full = right if full is None else full
        last = right[:, right.shape[1] * 2 // 3 :]
        print(
            f"{text}: {int(right.sum())} of {right.numel()}, last third {int(last.sum())} of "
            f"{last.numel()}; lost {int((full & ~right).sum())}, won {int((right & ~full).sum())}; "
            f"held at most {max(most for _, most in found):.0%} of the budget; "
            f"{time.perf_counter() - began:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
