"""A paged engine that calls a connector as vLLM's scheduler and model runner do.

The model is a recurrence that is read back from its own pages: what a token's keys and values are
depends on every token before it, so a wrong page makes everything after it wrong.
"""

from __future__ import annotations

import itertools
import pickle
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from .published import (
    CachedRequestData,
    KVConnectorRole,
    NewRequestData,
    Rank,
    Request,
    SchedulerOutput,
)  # fmt: skip

LAYERS, HEADS, CHANNELS, BLOCK, PAGES = 3, 2, 8, 4, 64
NAMES = [f"model.layers.{layer}.self_attn.attn" for layer in range(LAYERS)]
_numbers = itertools.count()
_MOST = 100003


def config(extra: dict[str, Any], **changed: Any) -> SimpleNamespace:
    """A `VllmConfig`, as far as a connector looks at it."""
    told = {
        "model": "toy", "revision": None, "dtype": torch.float32, "tp": 1, "pp": 1,
        "cache_dtype": "auto", "block": BLOCK, "hf": {"model_type": "toy", "rope_theta": 1e4},
    } | changed  # fmt: skip
    return SimpleNamespace(
        kv_transfer_config=SimpleNamespace(
            kv_connector_extra_config={"size": 8, "weights": "w1", "skips": False, **extra},
            is_kv_producer=True,
        ),
        model_config=SimpleNamespace(
            model=told["model"], revision=told["revision"], dtype=told["dtype"],
            quantization=None, use_mla=False,
            hf_config=SimpleNamespace(to_dict=lambda: told["hf"]),
        ),
        cache_config=SimpleNamespace(block_size=told["block"], cache_dtype=told["cache_dtype"]),
        parallel_config=SimpleNamespace(
            tensor_parallel_size=told["tp"], pipeline_parallel_size=told["pp"]
        ),
    )  # fmt: skip


def states(tokens: list[int]) -> list[int]:
    """What the model knows after each token."""
    known = itertools.accumulate(tokens, lambda so_far, one: (so_far * 31 + one) % _MOST, initial=0)
    return list(known)[1:]


def rows(known: Tensor, rank: int, layer: int) -> tuple[Tensor, Tensor]:
    """Keys and values of tokens after which the model knows that, `[H, T, D]` of `[T]`."""
    channels = torch.arange(HEADS * CHANNELS, dtype=torch.float32).reshape(HEADS, 1, CHANNELS)
    keys = torch.sin(known[None, :, None] * 0.01 + channels + layer + 7 * rank)
    keys[..., 0] = known
    return keys, torch.cos(keys)


@dataclass
class Worker:
    """One rank: a connector and its pages."""

    connector: Any
    rank: int
    layout: str
    pages: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        shapes = {
            "two first": (2, PAGES, BLOCK, HEADS, CHANNELS),
            "pages first": (PAGES, 2, BLOCK, HEADS, CHANNELS),
            "one view": (PAGES, HEADS, BLOCK, 2 * CHANNELS),
        }
        for name in reversed(NAMES):  # in any order
            self.pages[name] = torch.full(shapes[self.layout], torch.nan)
        self.connector.register_kv_caches(self.pages)

    def view(self, name: str) -> tuple[Tensor, Tensor]:
        """Keys and values of a layer, `[pages, H, tokens, D]`."""
        pages = self.pages[name]
        if self.layout == "one view":
            return pages[..., :CHANNELS], pages[..., CHANNELS:]
        keys, values = pages.unbind(0 if self.layout == "two first" else 1)
        return keys.transpose(1, 2), values.transpose(1, 2)

    def step(self, meta: Any, work: list[tuple[list[int], list[int], int, int]]) -> set[int]:
        """One forward pass; `work` is (tokens, pages, from, to) of each request."""
        Rank.now = self.rank
        connector = self.connector
        connector.handle_preemptions(meta)
        connector.bind_connector_metadata(meta)
        connector.start_load_kv(SimpleNamespace(attn_metadata={}))
        for layer, name in enumerate(NAMES):
            connector.wait_for_layer_load(name)
            for tokens, pages, begin, end in work:
                self._compute(layer, name, tokens, pages, begin, end)
            connector.save_kv_layer(name, self.pages[name], None)
        connector.wait_for_save()
        assert connector.get_finished(set()) == (None, None)
        failed: set[int] = connector.get_block_ids_with_load_errors()
        connector.clear_connector_metadata()
        return failed

    def _compute(
        self, layer: int, name: str, tokens: list[int], pages: list[int], begin: int, end: int
    ) -> None:
        read, _ = self.view(NAMES[0])
        keys, values = self.view(name)
        for place in range(begin, end):
            state = 0.0
            if place:
                state = float(read[pages[(place - 1) // BLOCK], 0, (place - 1) % BLOCK, 0])
            known = torch.tensor([(state * 31 + tokens[place]) % _MOST])
            page, row = pages[place // BLOCK], place % BLOCK
            keys[page, :, row], values[page, :, row] = (
                one[:, 0] for one in rows(known, self.rank, layer)
            )


@dataclass
class Ran:
    """What a request came to: tokens loaded and computed, and the pages it left."""

    loaded: int
    computed: int
    pages: list[int]
    tokens: list[int]


class Engine:
    """A scheduler's connector and one for each rank."""

    def __init__(self, connector: Any, told: Any, layout: str = "two first") -> None:
        groups = SimpleNamespace(kv_cache_groups=[object()])
        self.scheduler = connector(told, KVConnectorRole.SCHEDULER, groups)
        self.workers = []
        for rank in range(told.parallel_config.tensor_parallel_size):
            Rank.now = rank
            made = connector(told, KVConnectorRole.WORKER, groups)
            self.workers.append(Worker(made, rank, layout))
        self._free = list(range(1, PAGES))

    def settle(self) -> None:
        """Wait until what was saved is written."""
        for worker in self.workers:
            worker.connector._working.tiers.flush()

    def close(self) -> None:
        for one in (self.scheduler, *(worker.connector for worker in self.workers)):
            one.shutdown()

    def matched(self, request: Request, computed: int = 0) -> int:
        """Ask as often as the connector wants to be asked."""
        while (told := self.scheduler.get_num_new_matched_tokens(request, computed))[0] is None:
            pass
        assert told[1] is False
        return int(told[0])

    def run(
        self, prompt: list[int], *, generate: int = 0, chunk: int = 1000, computed: int = 0,
        before: Ran | None = None, preempt: bool = False, **more: Any,
    ) -> Ran:  # fmt: skip
        """A request from its prompt to its end.

        Args:
            chunk: tokens of a step at most. computed: of the prompt, in the pages of the run
                `before`, which vLLM's own prefix cache has kept.
            preempt: after the first step it loses its pages and begins again.
        """
        name = f"r{next(_numbers)}"
        request = Request(name, prompt, list(prompt), **more)
        self.scheduler.on_new_request(request)
        pages, loaded = self._admit(request, computed, before)
        ran, total = 0, loaded
        meant, done, first, resumed = len(prompt) + generate, computed + loaded, True, False
        while done < meant:
            count = min(chunk, len(request.all_token_ids) - done)
            output = self._output(request, pages, done, count, first, resumed)
            failed = self._step(request, output, pages, done, count)
            first = resumed = False
            if failed:  # as vLLM does: everything from the first bad page on is computed again
                done = min(pages.index(page) for page in failed) * BLOCK
                continue
            ran, done = ran + count, done + count
            if preempt:
                preempt, resumed = False, True
                pages, done = self._admit(request, 0, None)
                total += done
                continue
            if done == len(request.all_token_ids) and done < meant:
                request.all_token_ids.append(states(request.all_token_ids)[-1] % 97)
        self.scheduler.request_finished(request, pages)
        self.settle()
        return Ran(total, ran, pages, request.all_token_ids[:done])

    def held(self, ran: Ran, worker: Worker, layer: int) -> tuple[Tensor, Tensor]:
        """A layer's keys and values of what a request left, `[H, T, D]`."""
        count = len(ran.tokens)
        taken = [one[ran.pages].transpose(0, 1).flatten(1, 2) for one in worker.view(NAMES[layer])]
        return taken[0][:, :count], taken[1][:, :count]

    def is_right(self, ran: Ran) -> bool:
        """Whether every byte in its pages is what computing it alone gives."""
        return all(
            torch.equal(one, other)
            for worker in self.workers
            for layer in range(LAYERS)
            for one, other in zip(
                self.held(ran, worker, layer),
                rows(torch.tensor(states(ran.tokens), dtype=torch.float32), worker.rank, layer),
                strict=True,
            )
        )

    def _admit(self, request: Request, computed: int, before: Ran | None) -> tuple[list[int], int]:
        self.settle()
        loaded = self.matched(request, computed)
        pages = list(before.pages[: computed // BLOCK]) if before else []
        self._more(pages, len(request.all_token_ids))
        self.scheduler.update_state_after_alloc(request, SimpleNamespace(), loaded)
        return pages, loaded

    def _more(self, pages: list[int], tokens: int) -> list[int]:
        new = []
        while len(pages) * BLOCK < tokens:
            new.append(self._free.pop())
            pages.append(new[-1])
        return new

    def _output(
        self, request: Request, pages: list[int], done: int, count: int, first: bool, resumed: bool
    ) -> SchedulerOutput:
        more = self._more(pages, done + count)
        cached, new = CachedRequestData(), []
        if first:
            new = [
                NewRequestData(
                    request.request_id, request.prompt_token_ids, [], (list(pages),), done
                )
            ]
        else:
            cached = CachedRequestData(
                [request.request_id], {request.request_id} if resumed else set(),
                [(list(pages),) if resumed else ((more,) if more else None)], [done],
            )  # fmt: skip
        return SchedulerOutput(new, cached, {request.request_id: count}, count)

    def _step(
        self, request: Request, output: SchedulerOutput, pages: list[int], done: int, count: int
    ) -> set[int]:
        meta = pickle.loads(pickle.dumps(self.scheduler.build_connector_meta(output)))
        work = [(request.all_token_ids, pages, done, done + count)]
        failed = [worker.step(meta, work) for worker in self.workers]
        self.scheduler.update_connector_output(SimpleNamespace(invalid_block_ids=failed))
        return set().union(*failed)
