"""The device, models of random weights, and clocks."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from transformers import LlamaConfig, LlamaForCausalLM

DEVICE = torch.device("cuda")


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
