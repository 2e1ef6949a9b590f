"""Taking times: prefill beside the plain model's, decoding, and the peak of memory."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from mnemon.bench.kv.answering import Asking, make_cache, weighed
from mnemon.bench.kv.cells import FULL

_REPEATS = 3
_WARMING, _DECODED = 4, 32


class Speed:
    """Times on one model."""

    def __init__(self, model: Any) -> None:
        self._asking = Asking(model)
        self._device = model.device
        self._warm: set[tuple[int, ...]] = set()

    def of(self, contexts: Sequence[Sequence[int]], policy: str, budget: str) -> dict[str, Any]:
        """The fields of a row that times and bytes fill, for contexts of one length at once.

        Prefills with and without the policy take turns, so that a machine that slows down slows
        both; medians of `_REPEATS`.
        """
        with torch.inference_mode():
            ids = self._asking.tensor(contexts)
            if tuple(ids.shape) not in self._warm:
                self._prefill(ids, FULL, "1.0")
                self._warm.add(tuple(ids.shape))
            self._prefill(ids, policy, budget)
            plain, with_policy = [], []
            for _ in range(_REPEATS):
                plain.append(self._prefill(ids, FULL, "1.0")[0])
                seconds, cache = self._prefill(ids, policy, budget)
                with_policy.append(seconds)
            held, full, offloaded = weighed(cache)
            self._decode(cache, ids, _WARMING)
            decoding = self._seconds(partial(self._decode, cache, ids, _DECODED))
            return {
                "held_bytes": held,
                "full_bytes": full,
                "offloaded_bytes": offloaded,
                "prompt_s": statistics.median(with_policy),
                "plain_prompt_s": statistics.median(plain),
                "tokens_s": len(contexts) * _DECODED / decoding,
                "peak_bytes": self._peak(ids, policy, budget),
            }

    def _prefill(self, ids: torch.Tensor, policy: str, budget: str) -> tuple[float, Any]:
        cache = make_cache(self._asking.model, policy, budget)
        return self._seconds(lambda: self._asking.run(cache, ids)), cache

    def _decode(self, cache: Any, ids: torch.Tensor, count: int) -> None:
        token = ids[:, -1:]
        for _ in range(count):
            token = self._asking.run(cache, token)[:, -1].argmax(-1, keepdim=True)

    def _peak(self, ids: torch.Tensor, policy: str, budget: str) -> int | None:
        if self._device.type != "cuda":
            return None
        gc.collect()  # a cache and its layers point at each other
        torch.cuda.empty_cache()
        before = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        self._prefill(ids, policy, budget)
        return int(torch.cuda.max_memory_allocated() - before)

    def _seconds(self, work: Callable[[], Any]) -> float:
        self._wait()
        began = time.perf_counter()
        work()
        self._wait()
        return time.perf_counter() - began

    def _wait(self) -> None:
        if self._device.type == "cuda":
            torch.cuda.synchronize()
