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
retrieve  everything in the host's pinned memory, some pages of each head fetched for every token
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import transformers
from torch import Tensor
from transformers import DynamicCache, LlamaConfig, LlamaForCausalLM

from mnemon.kv.decode.fetch import FetchedRows, fetch, fetched
from mnemon.kv.decode.generate import generate
from mnemon.kv.decode.rows import LowBitRows, PackedRows, dequantize, pack, quantize
from mnemon.kv.decode.step import GraphStep
from mnemon.kv.decode.weights import read_weights

DEVICE = torch.device("cuda")
KINDS = ("full", "drop", "ragged", "bits4", "bits2", "retrieve")  # `graded`: checked only
PARTS = ("check", "prefill", *KINDS)
# Shares of the tokens that the eight heads keep: a quarter on average.
SHARES = (0.05, 0.10, 0.15, 0.20, 0.25, 0.30, 0.40, 0.55)
PAGE, PAGES = 32, 64
WARM, TOKENS = 16, 64


def config(layers: int = 32) -> LlamaConfig:
    """The shape of Llama 3.1 8B."""
    rope = {
        "rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "low_freq_factor": 1.0,
        "high_freq_factor": 4.0, "original_max_position_embeddings": 8192,
    }  # fmt: skip
    return LlamaConfig(
        hidden_size=4096, intermediate_size=14336, num_hidden_layers=layers,
        num_attention_heads=32, num_key_value_heads=8, head_dim=128, vocab_size=128256,
        max_position_embeddings=131072 + 1024, rms_norm_eps=1e-5, rope_parameters=rope,
        attn_implementation="sdpa", bos_token_id=None, eos_token_id=None,
    )  # fmt: skip


def build(shape: LlamaConfig, dtype: torch.dtype) -> LlamaForCausalLM:
    """A model with random weights, on the device."""
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    with DEVICE:
        model = LlamaForCausalLM(shape)
    torch.set_default_dtype(before)
    return model.eval()


@contextmanager
def counted() -> Iterator[dict[str, float]]:
    """Seconds and peak gigabytes of what runs inside."""
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    torch.cuda.synchronize()
    result: dict[str, float] = {}
    start = time.perf_counter()
    yield result
    torch.cuda.synchronize()
    result["seconds"] = time.perf_counter() - start
    result["peak_gb"] = torch.cuda.max_memory_allocated() / 1e9


def milliseconds(run: Callable[[], object], repeats: int = 20) -> float:
    """Median time of `run` by the device's own clock."""
    times = []
    for _ in range(repeats + 2):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end))
    return statistics.median(times[2:])


def copy_rate() -> float:
    """Bytes a second of a device-to-device copy, read and written counted."""
    source = torch.empty(2**32, dtype=torch.uint8, device=DEVICE)
    target = torch.empty_like(source)
    return 2 * source.nbytes / (milliseconds(lambda: target.copy_(source)) / 1e3)


# How cached keys and values are stored, by kind


def kept(rows: PackedRows, indices: list[Tensor]) -> PackedRows:
    """Of each row only the tokens at `indices`."""
    starts = rows.starts.tolist()
    at = torch.cat([index + first for index, first in zip(indices, starts, strict=False)])
    counts = torch.tensor([0, *map(len, indices)], dtype=torch.int32, device=rows.keys.device)
    return PackedRows(rows.keys[at], rows.values[at], counts.cumsum(0, dtype=torch.int32))


def some(tokens: int, share: float, seed: int) -> Tensor:
    """The given share of the tokens, at random, in order."""
    generator = torch.Generator().manual_seed(seed)
    count = max(1, int(tokens * share))
    return torch.randperm(tokens, generator=generator)[:count].sort().values.to(DEVICE)


def choose(kind: str, tokens: int) -> list[Tensor]:
    """The tokens that each of the eight heads keeps."""
    if kind == "drop":
        return [some(tokens, 0.25, 1)] * 8
    return [some(tokens, share, head) for head, share in enumerate(SHARES)]


def of_heads(rows: PackedRows, heads: slice) -> PackedRows:
    """Rows of equal length, those of some heads only; the others are empty."""
    tokens = len(rows.keys) // 8
    counts = torch.zeros(9, dtype=torch.int32, device=rows.keys.device)
    counts[1:][heads] = tokens
    keys, values = (x.view(8, tokens, -1)[heads].flatten(0, 1) for x in (rows.keys, rows.values))
    return PackedRows(keys, values, counts.cumsum(0, dtype=torch.int32))


def graded(rows: PackedRows) -> tuple[LowBitRows, LowBitRows]:
    """Two segments: even heads in four bits, odd ones in four for keys and two for values."""
    even, odd = of_heads(rows, slice(0, 8, 2)), of_heads(rows, slice(1, 8, 2))
    return quantize(even, 4), quantize(odd, 4, value_bits=2)


def plain(rows: PackedRows | LowBitRows | tuple[LowBitRows, LowBitRows]) -> PackedRows:
    """What is stored, in numbers."""
    if isinstance(rows, PackedRows):
        return rows
    if isinstance(rows, LowBitRows):
        return dequantize(rows)
    even, odd = (dequantize(one) for one in rows)
    pairs = ((even.keys, odd.keys), (even.values, odd.values))
    return pack(*(torch.stack([x.view(4, -1, 128) for x in pair], 1).view(1, 8, -1, 128)
                  for pair in pairs))  # fmt: skip


def stored(
    kind: str, rows: PackedRows, choice: list[Tensor]
) -> PackedRows | LowBitRows | tuple[LowBitRows, LowBitRows]:
    """The rows as `kind` stores them."""
    if kind == "graded":
        return graded(rows)
    if kind in ("drop", "ragged"):
        return kept(rows, choice)
    if kind.startswith("bits"):
        return quantize(rows, int(kind[4:]))
    return rows


def random_rows(tokens: int) -> PackedRows:
    shape = (1, 8, tokens, 128)
    keys, values = (torch.randn(shape, device=DEVICE, dtype=torch.bfloat16) for _ in range(2))
    return pack(keys, values)


# Speed


def timed_decoding(step: GraphStep, rate: float, start_gb: float) -> dict[str, float]:
    """Milliseconds a token, beside the floor. `start_gb` is what is held besides."""
    token = torch.ones(1, dtype=torch.int64, device=DEVICE)
    generate(step, token, WARM)
    torch.cuda.synchronize()
    start = time.perf_counter()
    generate(step, token, TOKENS)
    torch.cuda.synchronize()
    taken = (time.perf_counter() - start) / TOKENS
    cache = step.nbytes - step.weights.nbytes
    floor = step.nbytes / rate
    return {
        "ms_per_token": taken * 1e3,
        "tokens_per_second": 1 / taken,
        "floor_ms": floor * 1e3,
        "share_of_floor": floor / taken,
        "cache_gb": cache / 1e9,
        "peak_gb": torch.cuda.max_memory_allocated() / 1e9 - start_gb,
    }


def decode(model: LlamaForCausalLM, kind: str, tokens: int, rate: float) -> dict[str, float]:
    """Decoding over random keys and values of `tokens` tokens, stored as `kind`."""
    choice = choose(kind, tokens) if kind in ("drop", "ragged") else []
    rows = []
    for _ in range(model.config.num_hidden_layers):
        rows.append(stored(kind, random_rows(tokens), choice))
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    step = GraphStep(model, rows, position=tokens, tail=128)
    return timed_decoding(step, rate, 0.0)


def retrieve(model: LlamaForCausalLM, tokens: int, rate: float) -> dict[str, float]:
    """The whole cache in the host's memory; pages chosen at random, the same for every token."""
    layers, pages = model.config.num_hidden_layers, tokens // PAGE
    generator = torch.Generator().manual_seed(0)
    rows: list[FetchedRows] = []
    piece = torch.randn(8, pages, PAGE, 128, device=DEVICE, dtype=torch.bfloat16)
    for _ in range(layers):
        keys, values = (torch.empty(piece.shape, dtype=piece.dtype, pin_memory=True) for _ in "kv")
        keys.copy_(piece)
        values.copy_(piece)
        chosen = torch.stack([torch.randperm(pages, generator=generator)[:PAGES] for _ in range(8)])
        chosen = chosen.sort(-1).values.to(DEVICE, torch.int32)
        plain = rows[0].plain if rows else fetched(keys, values, chosen).plain
        rows.append(FetchedRows(keys, values, chosen, plain))
    torch.cuda.synchronize()
    fetching = milliseconds(lambda: [fetch(one) for one in rows], 5)
    torch.cuda.reset_peak_memory_stats()
    result = timed_decoding(GraphStep(model, rows, position=tokens, tail=128), rate, 0.0)
    crossing = sum(one.fetched_bytes for one in rows)
    return result | {
        "fetch_ms": fetching,
        "fetched_gb": crossing / 1e9,
        "fetch_gb_per_second": crossing / fetching / 1e6,
        "host_gb": sum(one.host_keys.nbytes * 2 for one in rows) / 1e9,
    }


@torch.no_grad()
def prefill(model: LlamaForCausalLM, tokens: int) -> dict[str, float]:
    """One forward over the whole prompt, then eight tokens decoded by transformers itself."""
    prompt = torch.randint(0, 128256, (1, tokens), device=DEVICE)
    cache = DynamicCache()
    with counted() as taken:
        model(prompt, past_key_values=cache, logits_to_keep=1)
    token = prompt[:, :1]
    for _ in range(3):
        model(token, past_key_values=cache)
    with counted() as eager:
        for _ in range(8):
            token = model(token, past_key_values=cache).logits.argmax(-1)
    return {
        "prefill_seconds": taken["seconds"],
        "prefill_peak_gb": taken["peak_gb"],
        "transformers_ms_per_token": eager["seconds"] / 8 * 1e3,
        "transformers_peak_gb": eager["peak_gb"],
    }


# Right


def as_cache(rows: list[PackedRows], dtype: torch.dtype) -> DynamicCache:
    """Rows of equal length as transformers' cache."""
    cache = DynamicCache()
    for layer, one in enumerate(rows):
        keys, values = (x.view(1, 8, -1, x.shape[-1]).to(dtype) for x in (one.keys, one.values))
        cache.update(keys.contiguous(), values.contiguous(), layer)
    return cache


def mask_of(choice: list[Tensor], tokens: int, step: int, dtype: torch.dtype) -> Tensor:
    """For transformers, [1, 32, 1, T]: what each query head sees of a cache that keeps all."""
    mask = torch.full((8, tokens + step + 1), torch.finfo(dtype).min, dtype=dtype, device=DEVICE)
    for head, index in enumerate(choice):
        mask[head, index] = 0
    mask[:, tokens:] = 0
    return mask.repeat_interleave(4, 0)[None, :, None]


@torch.no_grad()
def by_transformers(
    model: LlamaForCausalLM, rows: list[PackedRows], feed: Tensor, tokens: int, choice: list[Tensor]
) -> Tensor:
    """Logits of every step, float32 [steps, V]."""
    cache, made = as_cache(rows, model.dtype), []
    for index, token in enumerate(feed):
        mask = mask_of(choice, tokens, index, model.dtype) if choice else None
        position = torch.full((1, 1), tokens + index, device=DEVICE)
        out = model(
            token.view(1, 1), past_key_values=cache, attention_mask=mask, position_ids=position
        )
        made.append(out.logits[0, -1].float())
    return torch.stack(made)


def ours(model: LlamaForCausalLM, rows: list, feed: Tensor, tokens: int) -> Tensor:
    step = GraphStep(model, rows, position=tokens, tail=128)
    return torch.stack([step(token.view(1))[0].clone() for token in feed])


def distance(one: Tensor, other: Tensor) -> float:
    return float((one - other).norm() / other.norm())


@torch.no_grad()
def check(model: LlamaForCausalLM, exact: LlamaForCausalLM, tokens: int = 1024) -> dict:
    """Each kind's logits against transformers in float32 over the same numbers.

    Passes when our distance is at most half more than that of transformers in bfloat16.
    """
    prompt = torch.randint(0, 128256, (1, tokens), device=DEVICE)
    feed = torch.randint(0, 128256, (24,), device=DEVICE)
    cache = DynamicCache()
    model(prompt, past_key_values=cache)
    full = [pack(layer.keys, layer.values) for layer in cache.layers]
    result = {}
    for kind in (*KINDS[:-1], "graded"):
        choice = choose(kind, tokens) if kind in ("drop", "ragged") else []
        rows = [stored(kind, one, choice) for one in full]
        seen = full if choice else [plain(one) for one in rows]
        truth = by_transformers(exact, seen, feed, tokens, choice)
        theirs = by_transformers(model, seen, feed, tokens, choice)
        mine = ours(model, rows, feed, tokens)
        result[kind] = {
            "ours": distance(mine, truth),
            "transformers": distance(theirs, truth),
            "same_token_ours": float((mine.argmax(-1) == truth.argmax(-1)).float().mean()),
            "same_token_transformers": float(
                (theirs.argmax(-1) == truth.argmax(-1)).float().mean()
            ),
        }
        result[kind]["passes"] = result[kind]["ours"] <= 1.5 * result[kind]["transformers"]
    return result


@torch.no_grad()
def check_small() -> dict[str, dict[str, float | bool]]:
    """Small float32 models of two layers, two sequences each: logits of 40 steps."""
    found = {}
    for family, size in (("Llama", 64), ("Llama", 128), ("Qwen2", 128), ("Qwen3", 256)):
        shape = getattr(transformers, f"{family}Config")(
            hidden_size=448, intermediate_size=1200, num_hidden_layers=2, num_attention_heads=14,
            num_key_value_heads=2, head_dim=size, vocab_size=2000, attn_implementation="sdpa",
        )  # fmt: skip
        with DEVICE:
            model = getattr(transformers, f"{family}ForCausalLM")(shape).eval()
        tokens = torch.randint(0, 2000, (2, 240), device=DEVICE)
        theirs = model(tokens).logits[:, 200:].float()
        cache = DynamicCache()
        model(tokens[:, :200], past_key_values=cache)
        step = GraphStep(
            model, [pack(one.keys, one.values) for one in cache.layers], position=200, tail=128
        )
        mine = torch.stack([step(token).clone() for token in tokens[:, 200:].T], 1)
        apart = distance(mine, theirs)
        same = float((mine.argmax(-1) == theirs.argmax(-1)).float().mean())
        passes = apart < 1e-4 and same == 1.0
        found[f"{family}, {size}"] = {"distance": apart, "same_token": same, "passes": passes}
    return found


def run_checks(model: LlamaForCausalLM) -> dict:
    """The small model's, then the 8B shape's, beside a float32 copy of it."""
    small = check_small()
    exact = build(config(), torch.float32)
    for one, other in zip(exact.parameters(), model.parameters(), strict=True):
        one.data.copy_(other.data)
    kinds = check(model, exact)
    del exact
    gc.collect()
    torch.cuda.empty_cache()
    return {"small_float32": small, "bfloat16_8b": kinds}


# Telling


def table(record: dict) -> str:
    """The record as Markdown."""
    lines = [
        "| context | kind | cache GB | ms/token | tokens/s | floor ms | share of floor | peak GB |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
    ]
    for context, kinds in record["contexts"].items():
        for kind, one in kinds.items():
            if "ms_per_token" not in one:
                continue
            lines.append(
                f"| {context} | {kind} | {one['cache_gb']:.2f} | {one['ms_per_token']:.2f} "
                f"| {one['tokens_per_second']:.0f} | {one['floor_ms']:.2f} "
                f"| {one['share_of_floor']:.1%} | {one['peak_gb']:.1f} |"
            )
    lines += ["", "| context | prefill s | prefill peak GB | transformers ms/token | its peak GB |"]
    lines.append("|---|---:|---:|---:|---:|")
    for context, kinds in record["contexts"].items():
        if one := kinds.get("prefill"):
            lines.append(
                f"| {context} | {one['prefill_seconds']:.2f} | {one['prefill_peak_gb']:.1f} "
                f"| {one['transformers_ms_per_token']:.1f} | {one['transformers_peak_gb']:.1f} |"
            )
    for context, kinds in record["contexts"].items():
        if one := kinds.get("retrieve"):
            lines.append(
                f"\n{context}, retrieve: {one['host_gb']:.1f} GB in the host; {PAGES} pages of "
                f"{PAGE} tokens a head, {one['fetched_gb']:.3f} GB a token, fetched alone in "
                f"{one['fetch_ms']:.2f} ms ({one['fetch_gb_per_second']:.1f} GB/s)."
            )
    return "\n".join([*lines, "", *checks(record.get("check"))]) + "\n"


def checks(found: dict | None) -> list[str]:
    if not found:
        return []
    lines = ["| small float32 model, channels a head | distance | same token | passes |"]
    lines.append("|---|---:|---:|---|")
    for name, one in found["small_float32"].items():
        same = f"{one['same_token']:.0%}"
        lines.append(f"| {name} | {one['distance']:.1e} | {same} | {one['passes']} |")
    lines += [
        "",
        "| kind | our distance | transformers' | our same token | transformers' | passes |",
        "|---|---:|---:|---:|---:|---|",
    ]
    for kind, one in found["bfloat16_8b"].items():
        lines.append(
            f"| {kind} | {one['ours']:.4f} | {one['transformers']:.4f} "
            f"| {one['same_token_ours']:.0%} | {one['same_token_transformers']:.0%} "
            f"| {one['passes']} |"
        )
    return lines


def measure(model: LlamaForCausalLM, part: str, context: int, rate: float) -> dict[str, float]:
    if part == "prefill":
        return prefill(model, context)
    if part == "retrieve":
        return retrieve(model, context, rate)
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
