"""Logits against those of transformers on the same keys and values."""

from __future__ import annotations

import gc
from collections.abc import Callable

import torch
import transformers
from torch import Tensor
from transformers import DynamicCache, LlamaForCausalLM

from decoding.kinds import AWAY, STORED, choose, plain, stored
from decoding.model import DEVICE, build, config
from decoding.pages import PAGE, away, choices, turning
from mnemon.kv.decode.rows import PackedRows, pack
from mnemon.kv.decode.step import GraphStep


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
    model: LlamaForCausalLM,
    rows: list[PackedRows],
    feed: Tensor,
    tokens: int,
    seen: Callable[[int], list[Tensor]] | None,
) -> Tensor:
    """Logits of every step, float32 [steps, V]; `seen` tells what each head sees in a step."""
    cache, made = as_cache(rows, model.dtype), []
    for index, token in enumerate(feed):
        mask = mask_of(seen(index), tokens, index, model.dtype) if seen else None
        position = torch.full((1, 1), tokens + index, device=DEVICE)
        out = model(
            token.view(1, 1), past_key_values=cache, attention_mask=mask, position_ids=position
        )
        made.append(out.logits[0, -1].float())
    return torch.stack(made)


def ours(
    model: LlamaForCausalLM,
    rows: list,
    feed: Tensor,
    tokens: int,
    turn: Callable[[int], object] = lambda step: None,
) -> Tensor:
    """The same by a captured step; `turn` is called before each token."""
    step, made = GraphStep(model, rows, position=tokens, tail=128), []
    for index, token in enumerate(feed):
        turn(index)
        made.append(step(token.view(1))[0].clone())
    return torch.stack(made)


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
    for kind in (*STORED, "graded"):
        choice = choose(kind, tokens) if kind in ("drop", "ragged") else []
        rows = [stored(kind, one, choice) for one in full]
        numbers = full if choice else [plain(one) for one in rows]
        seen = (lambda step, choice=choice: choice) if choice else None
        truth = by_transformers(exact, numbers, feed, tokens, seen)
        theirs = by_transformers(model, numbers, feed, tokens, seen)
        result[kind] = compared(ours(model, rows, feed, tokens), theirs, truth)
    for kind in AWAY:
        result[kind] = check_away(model, exact, full, feed, kind)
    return result


def compared(mine: Tensor, theirs: Tensor, truth: Tensor) -> dict[str, float | bool]:
    """Our logits and transformers' in bfloat16, each against those in float32."""
    best = truth.argmax(-1)
    found = {"ours": distance(mine, truth), "transformers": distance(theirs, truth)}
    return {
        **found,
        "same_token_ours": float((mine.argmax(-1) == best).float().mean()),
        "same_token_transformers": float((theirs.argmax(-1) == best).float().mean()),
        "passes": found["ours"] <= 1.5 * found["transformers"],
    }


def check_away(
    model: LlamaForCausalLM,
    exact: LlamaForCausalLM,
    full: list[PackedRows],
    feed: Tensor,
    kind: str,
) -> dict[str, float | bool]:
    """A quarter of the pages is attended to, others for every token; all layers choose alike."""
    tokens, keep = len(full[0].keys) // 8, kind == "retrieve-kept"
    pages = tokens // PAGE // 4
    every = choices(tokens, 8, pages, 1 if keep else pages, len(feed))

    def seen(step: int) -> list[Tensor]:
        within = torch.arange(PAGE, device=DEVICE)
        return [(page[:, None] * PAGE + within).flatten() for page in every[step].long()]

    truth = by_transformers(exact, full, feed, tokens, seen)
    theirs = by_transformers(model, full, feed, tokens, seen)
    chosen = every[0].clone()
    rows = away(full, chosen.expand(len(full), -1, -1), keep)
    mine = ours(model, rows, feed, tokens, turning(chosen, every))
    return compared(mine, theirs, truth)


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
