"""Chunks computed alone, put together: each method beside a pass over everything."""

from __future__ import annotations

import statistics
from collections.abc import Callable

import torch
from transformers import LlamaForCausalLM

from mnemon.kv.reuse.blending import Blended, Segment, blended
from mnemon.kv.reuse.chunk import chunk
from reuse.machine import fresh_peak, peak, seconds

METHODS = {
    "full": ("full", {}),
    "cacheblend": ("cacheblend", {"recompute": 0.15}),
    "mentions": ("mentions", {"recompute": 0.15}),
    "naive": ("naive", {}),
}


ROUNDS = 3


@torch.inference_mode()
def measure(model: LlamaForCausalLM, tokens: int, chunks: int = 16) -> dict[str, dict]:
    """Seconds to the first token with `tokens` tokens in `chunks` chunks, and a question of 64.

    The methods take turns, after a round that is not counted.
    """
    torch.manual_seed(1)
    size, most = tokens // chunks, model.config.vocab_size
    texts = [torch.randint(0, most, (size,)) for _ in range(chunks)]
    made: list[Segment] = []

    def compute() -> None:
        made.clear()
        made.extend(Segment(one, chunk(model, one)) for one in texts)

    compute()
    alone = seconds(compute)
    segments = [*made, Segment(torch.randint(0, most, (64,)))]
    times: dict[str, list[float]] = {name: [] for name in METHODS}
    found: dict[str, dict] = {"chunks alone": {"seconds": alone}}
    for counted in range(ROUNDS + 1):
        for name, (method, options) in METHODS.items():
            fresh_peak(empty=False)
            last: list[Blended] = []
            taken = seconds(_blending(model, segments, method, options, last))
            found[name] = {
                "recomputed": last[0].share, "work": last[0].work, "peak_gb": peak(),
            }  # fmt: skip
            times[name] += [taken] if counted else []
    for name, taken in times.items():
        found[name]["seconds"] = statistics.median(taken)
        found[name]["of_full"] = statistics.median(taken) / statistics.median(times["full"])
    return found


def _blending(
    model: LlamaForCausalLM, segments: list[Segment], method: str, options: dict, into: list
) -> Callable[[], None]:
    return lambda: into.append(blended(model, segments, method, **options))
