"""Measure kvpress's presses on the samples that `mnemon bench kv --export-samples FILE` wrote.

    python -m venv .venv-kvpress && .venv-kvpress/bin/pip install kvpress==0.5.5 torch==2.13.0
    .venv-kvpress/bin/python scripts/measure_kvpress.py samples.json.gz rows.jsonl --model FOLDER
    mnemon bench kv … --merge rows.jsonl

kvpress wants transformers below 5.3, so it has an environment of its own, and this file imports
nothing of Mnemon. Bytes are those of the storages behind the cache's tensors, not `numel`: what a
press masks or slices is still held. A press that holds nearly all while it was told to drop is
labelled `masked`. Rows are appended as they come; what is in the file already is not done again.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import gzip
import importlib.machinery
import importlib.util
import json
import logging
import statistics
import sys
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoModelForCausalLM, DynamicCache

_REPEATS, _WARMING, _DECODED = 3, 4, 32
_MASKED_ABOVE = 1.2  # bytes by budget
_MEASURED = ("agnostic", "aware", "shared", "speed")


def _stand_in(name: str, *attributes: str) -> None:
    """Presses that download import packages that the others never use."""
    if importlib.util.find_spec(name) is not None:
        return
    module = types.ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None)
    for attribute in attributes:
        setattr(module, attribute, None)
    sys.modules[name] = module


_stand_in("datasets", "load_dataset")
_stand_in("fire", "Fire")

import kvpress  # noqa: E402

# name: (how it is made for a ratio to remove, needs eager attention, one sequence at once)
Press = tuple[Callable[[float], Any], bool, bool]
PRESSES: dict[str, Press] = {
    "Random": (lambda r: kvpress.RandomPress(r, seed=0), False, False),
    "StreamingLLM": (lambda r: kvpress.StreamingLLMPress(r), False, False),
    "Knorm": (lambda r: kvpress.KnormPress(r), False, False),
    "SnapKV": (lambda r: kvpress.SnapKVPress(r), False, False),
    "TOVA": (lambda r: kvpress.TOVAPress(r), False, False),
    "KeyDiff": (lambda r: kvpress.KeyDiffPress(r), False, False),
    "LagKV": (lambda r: kvpress.LagKVPress(r), False, False),
    "Compactor": (lambda r: kvpress.CompactorPress(r), False, False),
    "LeverageScore": (lambda r: kvpress.LeverageScorePress(r), False, False),
    "ExpectedAttention": (lambda r: kvpress.ExpectedAttentionPress(r), False, False),
    "ObservedAttention": (lambda r: kvpress.ObservedAttentionPress(r), True, False),
    "PyramidKV": (lambda r: kvpress.PyramidKVPress(r), False, False),
    "AdaKV(SnapKV)": (lambda r: kvpress.AdaKVPress(kvpress.SnapKVPress(r)), False, False),
    "CriticalKV(SnapKV)": (lambda r: kvpress.CriticalKVPress(kvpress.SnapKVPress(r)), False, False),
    "ChunkKV(SnapKV)": (lambda r: kvpress.ChunkKVPress(kvpress.SnapKVPress(r)), False, True),
    "KVzip": (lambda r: kvpress.KVzipPress(r), False, True),
}


def main() -> None:
    """Read the command line, measure, append rows."""
    told = _arguments()
    samples = _read(told.samples)
    model = AutoModelForCausalLM.from_pretrained(told.model, dtype=getattr(torch, told.dtype))
    model = model.to(told.device).eval()
    bench = Bench(model, told.dtype, told.batch_tokens)
    done = _done(told.out)
    for name in told.presses.split(","):
        for budget in told.budgets.split(","):
            for cell in samples["cells"]:
                place = (cell["regime"], cell["task"], cell["length"], name, budget, cell["asked"])
                if cell["regime"] in _MEASURED and place not in done:
                    _append(told.out, bench.row(cell, name, budget))


class Bench:
    """One model, and presses on it."""

    def __init__(self, model: Any, dtype: str, at_once: int) -> None:
        self.model, self.dtype, self.at_once = model, dtype, at_once
        self.warm: set[tuple[int, ...]] = set()

    def row(self, cell: dict[str, Any], name: str, budget: str) -> dict[str, Any]:
        """Measure one cell; what goes wrong is told in the row."""
        make, eager, alone = PRESSES[name]
        self.model.set_attn_implementation("eager" if eager else "sdpa")
        row = {key: cell[key] for key in ("asked", "regime", "task", "length", "samples")}
        row |= {key: cell[key] for key in ("questions", "tokens", "seed")}
        cuda = self.model.device.type == "cuda"
        row |= {
            "system": f"kvpress {_version()}",
            "policy": name,
            "resolved": name,
            "budget": budget,
            "device": torch.cuda.get_device_name() if cuda else self.model.device.type,
            "dtype": self.dtype,
        }
        began = time.monotonic()
        measure = self._timed if cell["regime"] == "speed" else self._asked
        try:
            with torch.no_grad():
                row |= measure(cell, lambda: make(1 - float(budget)), alone)
            kept = row["held_bytes"] / row["full_bytes"]
            row["masked"] = kept > _MASKED_ABOVE * float(budget)
        except Exception as error:  # noqa: BLE001 - one cell's failure is its row's
            row["failed"] = f"{type(error).__name__}: {error}"[:500]
        print(name, budget, cell["regime"], cell["task"], row.get("right"), row.get("failed", ""))
        return row | {"seconds": round(time.monotonic() - began, 3)}

    def _asked(self, cell: dict[str, Any], press: Any, alone: bool) -> dict[str, Any]:
        right: list[bool] = []
        held = full = batch = 0
        for some in _batches(cell["cases"], 1 if alone else self.at_once):
            cache, length, bytes_full = self._prefilled(cell, some, press())
            held += _storage(cache)
            full += bytes_full
            batch = max(batch, len(some))
            for place in range(len(some[0]["turns"])):
                right += self._ask(cell, some, place, cache, length)
        lengths = [len(case["context"]) for case in cell["cases"]]
        return {
            "answers": len(right),
            "right": sum(right),
            "held_bytes": held,
            "full_bytes": full,
            "batch": batch,
            "prompt_tokens": round(sum(lengths) / len(lengths)),
        }

    def _prefilled(
        self, cell: dict[str, Any], some: list[dict[str, Any]], press: Any
    ) -> tuple[Any, int, int]:
        prompts = [case["context"] for case in some]
        if cell["regime"] == "aware":
            prompts = [
                case["context"] + case["turns"][0]["question"][: -case["turns"][0]["cue"]]
                for case in some
            ]
        ids = torch.tensor(prompts, device=self.model.device)
        return self._compressed(ids, press), ids.shape[1], ids.numel() * self._token_bytes()

    def _compressed(self, ids: torch.Tensor, press: Any) -> Any:
        cache = DynamicCache()
        with press(self.model) if press is not None else contextlib.nullcontext():
            self.model.model(input_ids=ids, past_key_values=cache)
        return cache

    def _ask(
        self, cell: dict[str, Any], some: list[dict[str, Any]], place: int, cache: Any, length: int
    ) -> list[bool]:
        """Whether each answer is exact: all its tokens are first choices after the right ones."""
        turns = [case["turns"][place] for case in some]
        cue = turns[0]["cue"] if cell["regime"] == "aware" else 0
        rows = [turn["question"][-cue:] + turn["answer"] for turn in turns]
        ids = torch.tensor(rows, device=self.model.device)
        ending = len(turns[0]["answer"])
        before = [(layer.keys, layer.values) for layer in cache.layers]
        kept = [(keys.clone(), values.clone()) for keys, values in before]
        logits = self._logits(ids[:, :-1], cache, length, ending)
        for layer, (keys, values) in zip(cache.layers, kept, strict=True):
            layer.keys, layer.values = keys, values
        found: list[bool] = (logits.argmax(-1) == ids[:, -ending:]).all(1).tolist()
        return found

    def _logits(self, ids: torch.Tensor, cache: Any, start: int, keep: int) -> torch.Tensor:
        # One mask serves all layers: where they hold unequal amounts, a pass has one token.
        lengths = {layer.keys.shape[2] for layer in cache.layers}
        pieces = ids.split(1 if len(lengths) > 1 else ids.shape[1], 1)
        found = []
        for piece in pieces:
            places = torch.arange(start, start + piece.shape[1], device=ids.device)[None]
            places = places.expand(piece.shape[0], -1)
            out = self.model(input_ids=piece, past_key_values=cache, position_ids=places)
            found.append(out.logits)
            start += piece.shape[1]
        return torch.cat(found, 1)[:, -keep:]

    def _timed(self, cell: dict[str, Any], press: Any, alone: bool) -> dict[str, Any]:
        contexts = [case["context"] for case in cell["cases"]]
        shortest = min(map(len, contexts))
        ids = torch.tensor([one[:shortest] for one in contexts], device=self.model.device)
        if tuple(ids.shape) not in self.warm:
            self._compressed(ids, None)
            self.warm.add(tuple(ids.shape))
        self._compressed(ids, press())
        plain, with_press = [], []
        for _ in range(_REPEATS):
            plain.append(self._seconds(lambda: self._compressed(ids, None))[0])
            seconds, cache = self._seconds(lambda: self._compressed(ids, press()))
            with_press.append(seconds)
        held = _storage(cache)
        self._decode(cache, ids, _WARMING)
        decoding = self._seconds(lambda: self._decode(cache, ids, _DECODED))[0]
        return {
            "held_bytes": held,
            "full_bytes": ids.numel() * self._token_bytes(),
            "prompt_s": statistics.median(with_press),
            "plain_prompt_s": statistics.median(plain),
            "tokens_s": len(contexts) * _DECODED / decoding,
            "peak_bytes": self._peak(ids, press),
            "prompt_tokens": ids.shape[1],
            "batch": len(contexts),
        }

    def _decode(self, cache: Any, ids: torch.Tensor, count: int) -> None:
        token, start = ids[:, -1:], ids.shape[1]
        for place in range(start, start + count):
            token = self._logits(token, cache, place, 1).argmax(-1)

    def _peak(self, ids: torch.Tensor, press: Any) -> int | None:
        if ids.device.type != "cuda":
            return None
        gc.collect()
        torch.cuda.empty_cache()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        self._compressed(ids, press())
        return int(torch.cuda.max_memory_allocated() - before)

    def _seconds(self, work: Callable[[], Any]) -> tuple[float, Any]:
        wait = torch.cuda.synchronize if self.model.device.type == "cuda" else lambda: None
        wait()
        began = time.perf_counter()
        made = work()
        wait()
        return time.perf_counter() - began, made

    def _token_bytes(self) -> int:
        config = self.model.config
        head = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
        each = 2 * config.num_key_value_heads * head * self.model.dtype.itemsize
        return int(config.num_hidden_layers * each)


def _storage(cache: Any) -> int:
    """Bytes of the storages behind all tensors of a cache, each once."""
    tensors = [one for layer in cache.layers for one in (layer.keys, layer.values)]
    storages = [one.untyped_storage() for one in tensors]
    return sum({one.data_ptr(): one.nbytes() for one in storages}.values())


def _batches(cases: list[dict[str, Any]], at_once: int) -> Iterator[list[dict[str, Any]]]:
    """Cases whose parts have the same lengths, as many as `at_once` tokens allow."""
    alike: dict[tuple[int, ...], list[dict[str, Any]]] = {}
    for case in cases:
        shape = [len(case["context"])]
        shape += [len(turn[part]) for turn in case["turns"] for part in ("question", "answer")]
        alike.setdefault(tuple(shape), []).append(case)
    for shape_, some in alike.items():
        size = max(1, at_once // sum(shape_))
        for start in range(0, len(some), size):
            yield some[start : start + size]


def _version() -> str:
    from importlib.metadata import version

    return version("kvpress")


def _read(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    told: dict[str, Any] = json.loads(gzip.decompress(data) if path.suffix == ".gz" else data)
    if told["format"] != 1:
        raise SystemExit(f"{path} has format {told['format']}, and this script reads 1")
    return told


def _done(path: Path) -> set[tuple[Any, ...]]:
    names = ("regime", "task", "length", "policy", "budget", "asked")
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    rows = [json.loads(line) for line in lines if line.strip()]
    return {tuple(row[name] for name in names) for row in rows if not row.get("failed")}


def _append(path: Path, row: dict[str, Any]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("samples", type=Path)
    parser.add_argument("out", type=Path, help="rows are appended here")
    parser.add_argument("--model", required=True, help="a model folder: the one that was exported")
    parser.add_argument("--presses", default=",".join(PRESSES))
    parser.add_argument("--budgets", default="0.5,0.25,0.1", help="fractions that are kept")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--batch-tokens", type=int, default=8192)
    told = parser.parse_args()
    if unknown := [name for name in told.presses.split(",") if name not in PRESSES]:
        raise SystemExit(f"no press {', '.join(unknown)}: there are {', '.join(PRESSES)}")
    return told


if __name__ == "__main__":
    logging.getLogger("kvpress").setLevel(logging.ERROR)
    transformers.logging.set_verbosity_error()
    main()
