"""Chunks computed alone, put together: each method beside a pass over everything."""

from __future__ import annotations

import torch
from transformers import LlamaForCausalLM

from mnemon.kv.reuse.blending import Blended, Segment, blended
from mnemon.kv.reuse.chunk import chunk
from reuse.machine import fresh_peak, median, peak, seconds

METHODS = {
    "full": ("full", {}),
    "cacheblend": ("cacheblend", {"recompute": 0.15}),
    "mentions": ("mentions", {"recompute": 0.15}),
    "naive": ("naive", {}),
}


@torch.inference_mode()
def measure(model: LlamaForCausalLM, tokens: int, chunks: int = 16) -> dict[str, dict]:
    """Seconds to the first token with `tokens` tokens in `chunks` chunks, and a question of 64."""
    torch.manual_seed(1)
    size, most = tokens // chunks, model.config.vocab_size
    texts = [torch.randint(0, most, (size,)) for _ in range(chunks)]
    made: list[Segment] = []

    def compute() -> None:
        made.clear()
        made.extend(Segment(one, chunk(model, one)) for one in texts)

    alone = seconds(compute)
    segments = [*made, Segment(torch.randint(0, most, (64,)))]
    found: dict[str, dict] = {"chunks alone": {"seconds": alone}}
    for name, (method, options) in METHODS.items():
        last: list[Blended] = []

        def run(method: str = method, options: dict = options, last: list = last) -> None:
            last.clear()
            one = blended(model, segments, method, **options)
            last.append(one)

        run()
        last.clear()
        fresh_peak()
        taken = median(run, 3)
        one = last[0]
        found[name] = {
            "seconds": taken, "recomputed": one.share, "work": one.work, "peak_gb": peak(),
        }  # fmt: skip
    for name in METHODS:
        found[name]["of_full"] = found[name]["seconds"] / found["full"]["seconds"]
    return found
