"""What keeping keys and values saves on a GPU: `python scripts/measure_reuse.py --out results/`.

Needs a CUDA device with room for an 8B model, a context's keys and values twice, and as much host
memory and disk. The model has the shape of Llama 3.1 8B and random weights (nothing is downloaded):
times depend on shapes and bytes, not on what the weights say. Every time stands beside the floor of
its place: the bytes of keys and values over the rate at which this machine copies pinned memory to
the device, or reads the same files from its disk, both measured in the same run.

`--tiny` is a dry run of everything on a CPU, whose figures mean nothing.
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import shutil
import tempfile
from pathlib import Path

import torch
import transformers
from reuse import blending, first_token
from reuse.context import Context
from reuse.machine import build, checksum_rate, shape
from reuse.report import table


def machine(device: torch.device) -> dict:
    """What figures depend on."""
    name = torch.cuda.get_device_name() if device.type == "cuda" else platform.processor()
    return {
        "device": name, "torch": torch.__version__, "transformers": transformers.__version__,
        "python": platform.python_version(), "checksum_gb_s_a_thread": checksum_rate() / 1e9,
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--contexts", type=int, nargs="+", default=[32768, 131072])
    parser.add_argument("--blend", type=int, default=32768, help="tokens; 0: none")
    parser.add_argument("--block", type=int, default=4096)
    parser.add_argument("--folder", type=Path, help="on the disk that is to be measured")
    parser.add_argument("--tiny", action="store_true")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    device = torch.device("cpu" if asked.tiny else "cuda")
    model = build(shape(asked.tiny), device)
    record: dict = {**machine(device), "block": asked.block, "contexts": []}
    print(record, flush=True)
    if asked.blend:
        record["blend"] = blending.measure(model, asked.blend)
        print(json.dumps(record["blend"]), flush=True)
    for tokens in asked.contexts:
        gc.collect()
        folder = Path(tempfile.mkdtemp(prefix="mnemon-kv-", dir=asked.folder))
        try:
            context = Context(model, tokens, 64, asked.block, folder)
            record["contexts"].append({})
            first_token.measure(context, record["contexts"][-1])
        finally:
            shutil.rmtree(folder)
            told = json.dumps(record, indent=1, default=str)
            (asked.out / "reuse-gpu.json").write_text(told + "\n")
        print(json.dumps(record["contexts"][-1], default=str), flush=True)
    (asked.out / "reuse-gpu.md").write_text(table(record))
    print(table(record))


if __name__ == "__main__":
    main()
