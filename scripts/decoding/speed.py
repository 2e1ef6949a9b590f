"""Times of decoding, of fetching and of prefill."""

from __future__ import annotations

import gc
import time

import torch
from transformers import DynamicCache, LlamaForCausalLM

from decoding.kinds import choose, random_rows, stored
from decoding.model import DEVICE, counted, milliseconds
from mnemon.kv.decode.fetch import FetchedRows, fetch, fetched
from mnemon.kv.decode.greedy import generate
from mnemon.kv.decode.step import GraphStep

PAGE, PAGES = 32, 64
WARM, TOKENS = 16, 64


def timed_decoding(step: GraphStep, rate: float) -> dict[str, float]:
    """Milliseconds a token, beside the floor."""
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
        "peak_gb": torch.cuda.max_memory_allocated() / 1e9,
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
    return timed_decoding(step, rate)


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
    result = timed_decoding(GraphStep(model, rows, position=tokens, tail=128), rate)
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
