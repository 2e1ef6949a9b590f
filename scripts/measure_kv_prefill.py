"""What compressing adds to a prefill: `python scripts/measure_kv_prefill.py --out results/`.

Needs a CUDA device with room for an 8B model. The model has the shape of Llama 3.1 8B and random
weights, the head profile is made up: time depends on shapes, not on what is kept. Prefills with
transformers' own cache and with each policy take turns; medians of three. `--policies` picks some,
each `POLICY@BUDGET`.
"""

from __future__ import annotations

import argparse
import json
import statistics
from pathlib import Path
from typing import Any

import torch
from decoding.model import DEVICE, build, config, counted
from transformers import DynamicCache

from mnemon.kv import KVCache
from mnemon.kv.profile import HeadProfile, fingerprint

POLICIES = (
    "auto@0.5", "auto@0.25", "auto@0.1", "kivi(bits=4)@0.33", "tangram@0.25", "recency@0.25",
    "snapkv@0.25", "keydiff@0.25", "leverage@0.25", "compactor@0.25", "leverage + kivi(bits=2)@0.1",
)  # fmt: skip
REPEATS = 3


def made_up(model: Any) -> HeadProfile:
    """Later layers, and in them later heads, see farther."""
    layers, heads = model.config.num_hidden_layers, model.config.num_key_value_heads
    weights = torch.arange(1, layers * heads + 1).view(layers, heads) / (layers * heads)
    return HeadProfile(fingerprint(model), tuple(map(tuple, weights.tolist())), "made up")


def prefill(model: Any, ids: torch.Tensor, cache: Any) -> dict[str, float]:
    """Seconds and peak gigabytes of one pass over the prompt."""
    with torch.inference_mode(), counted() as found:
        model(ids, past_key_values=cache, logits_to_keep=1)
    return found


def measure(model: Any, ids: torch.Tensor, policy: str, budget: float, profile: Any) -> dict:
    """Medians of prefills that take turns, after one of each."""
    plain, ours = [], []
    for _ in range(REPEATS + 1):
        plain.append(prefill(model, ids, DynamicCache(config=model.config)))
        cache = KVCache(model, policy, budget, profile=profile)
        ours.append(prefill(model, ids, cache))
    seconds = [statistics.median(one["seconds"] for one in some[1:]) for some in (plain, ours)]
    return {
        "plain_s": seconds[0], "prefill_s": seconds[1], "over": seconds[1] / seconds[0] - 1,
        "held": cache.nbytes / cache.full_nbytes,
        "peak_gb": ours[-1]["peak_gb"], "plain_peak_gb": plain[-1]["peak_gb"],
    }  # fmt: skip


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=32768)
    parser.add_argument("--policies", nargs="+", default=POLICIES)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    model = build(config(), torch.bfloat16)
    ids = torch.randint(0, model.config.vocab_size, (1, asked.tokens), device=DEVICE)
    profile, rows = made_up(model), []
    for text in asked.policies:
        policy, _, budget = text.partition("@")
        found = measure(model, ids, policy, float(budget), profile)
        told = {name: round(value, 4) for name, value in found.items()}
        rows.append({"policy": policy, "budget": float(budget), "tokens": asked.tokens, **told})
        print(rows[-1], flush=True)
        record = {"device": torch.cuda.get_device_name(), "rows": rows}
        (asked.out / "kv-prefill.json").write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
