"""Times of decoding, of fetching and of prefill."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

import torch
from transformers import DynamicCache, LlamaForCausalLM

from decoding.kinds import choose, random_rows, stored
from decoding.model import DEVICE, counted
from decoding.pages import PAGES, TURN, away, choices, fetching, link_rate, turning
from mnemon.kv.decode.greedy import generate
from mnemon.kv.decode.step import GraphStep

WARM, TOKENS = 16, 64


def timed_decoding(
    step: GraphStep, rate: float, turn: Callable[[int], object] | None = None
) -> dict[str, float]:
    """Milliseconds a token, beside the floor; `turn` is given each token's number before it."""
    token = torch.ones(1, dtype=torch.int64, device=DEVICE)

    def run(first: int, count: int) -> None:
        if turn is None:
            generate(step, token, count)
            return
        for index in range(first, first + count):
            turn(index)
            step.advance()

    run(0, WARM)
    torch.cuda.synchronize()
    start = time.perf_counter()
    run(WARM, TOKENS)
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


def retrieve(model: LlamaForCausalLM, kind: str, tokens: int, rate: float) -> dict[str, float]:
    """The whole cache in the host's memory, pages fetched for every token: all, or what turned.

    The floor is the greater of what the device must read and what must cross the link, each at the
    rate that a plain copy reached. Which pages is decided before the token, and costs nothing.
    """
    keep = kind == "retrieve-kept"
    fresh = PAGES // TURN if keep else PAGES
    layers = model.config.num_hidden_layers
    every = choices(tokens, layers * 8, PAGES, fresh, WARM + TOKENS).unflatten(1, (layers, 8))
    chosen = every[0].clone()
    piece = random_rows(tokens)
    rows = away([piece] * layers, chosen, keep)
    del piece
    alone, link = fetching(rows), link_rate()
    gc.collect()
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    step = GraphStep(model, rows, position=tokens, tail=128)
    result = timed_decoding(step, rate, turning(chosen, every))
    whole = sum(one.fetched_bytes for one in rows)
    crossing = whole * fresh / PAGES
    floor = max(result["floor_ms"], crossing / link * 1e3)
    return result | {
        "device_floor_ms": result["floor_ms"],
        "link_floor_ms": crossing / link * 1e3,
        "floor_ms": floor,
        "share_of_floor": floor / result["ms_per_token"],
        "fetched_gb": crossing / 1e9,
        "fetch_gb_per_second": whole / alone / 1e6,
        "link_gb_per_second": link / 1e9,
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
