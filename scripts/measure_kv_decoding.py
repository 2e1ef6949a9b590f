"""How fast a captured step decodes: `python scripts/measure_kv_decoding.py --out results/`.

Needs a CUDA device with room for an 8B model and its cache. The model has the shape of Llama 3.1 8B
and random weights (nothing is downloaded): speed depends on shapes and bytes, not on what the
weights say. Every time stands beside the byte floor: what a step must read, weights and cache, over
the rate at which this device copies its own memory. `--parts` and `--contexts` select.

check     logits against transformers on the same keys and values, with the error that bfloat16
          makes in transformers itself beside ours; small float32 models, nearly exact
prefill   the whole prompt through transformers (sdpa); then its own decoding, token by token
full      all keys and values, bfloat16
drop      a quarter of the tokens, the same in every head
ragged    each head another share of them, a quarter on average
bits4     four bits a number, groups of 32; bits2: two bits
retrieve  everything in the host's pinned memory, some pages of each head fetched for every token,
          while earlier layers are computed; retrieve-kept: only those of them that turned
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
from pathlib import Path

import torch
import transformers
from decoding.kinds import AWAY, KINDS
from decoding.model import build, config, copy_rate
from decoding.report import checks, table
from decoding.right import run_checks
from decoding.speed import decode, prefill, retrieve
from transformers import LlamaForCausalLM

from mnemon.kv.decode.weights import read_weights

PARTS = ("check", "prefill", *KINDS)


def measure(model: LlamaForCausalLM, part: str, context: int, rate: float) -> dict[str, float]:
    if part == "prefill":
        return prefill(model, context)
    if part in AWAY:
        return retrieve(model, part, context, rate)
    return decode(model, part, context, rate)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--contexts", type=int, nargs="+", default=[32768, 65536, 131072])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    rate = copy_rate()
    model = build(config(), torch.bfloat16)
    record = {
        "device": torch.cuda.get_device_name(), "torch": torch.__version__,
        "transformers": transformers.__version__, "python": platform.python_version(),
        "copy_tb_per_second": rate / 1e12, "weights_gb": read_weights(model).nbytes / 1e9,
        "contexts": {str(context): {} for context in asked.contexts},
    }  # fmt: skip
    print({key: value for key, value in record.items() if key != "contexts"}, flush=True)
    if "check" in asked.parts:
        record["check"] = run_checks(model)
        print("\n".join(checks(record["check"])), flush=True)
    for context in asked.contexts:
        for part in [part for part in asked.parts if part != "check"]:
            found = measure(model, part, context, rate)
            gc.collect()
            torch.cuda.empty_cache()
            record["contexts"][str(context)][part] = found
            print(context, part, {key: round(value, 4) for key, value in found.items()}, flush=True)
            (asked.out / "kv-decoding.json").write_text(json.dumps(record, indent=1) + "\n")
    (asked.out / "kv-decoding.md").write_text(table(record))
    print(table(record))


if __name__ == "__main__":
    main()
