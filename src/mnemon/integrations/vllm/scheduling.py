"""The scheduler's side: how much of a request is kept, and what each step loads and saves.

A block counts only after all its bytes were read and their checksum was right; that is done in
threads, and until it is done the scheduler is told to ask again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from mnemon.integrations.vllm.asked import Chain, is_plain, salted, sources
from mnemon.integrations.vllm.transfers import Load, Save, Transfers
from mnemon.kv.reuse.ledger import Ledger, Sources
from mnemon.kv.tiers import Tiers

_log = logging.getLogger(__name__)


@dataclass
class _Followed:
    """A request that runs: `held` of its blocks are kept, `external` tokens are to be loaded."""

    request: Any
    chain: Chain
    sources: Sources
    held: int
    external: int
    pages: list[int] = field(default_factory=list)


@dataclass
class Scheduling:
    """What stands in the scheduler's process.

    Attributes:
        roots: of the chains, one for each tensor-parallel rank.
        size: tokens of a block; block: of vLLM's own.
        ledger: None: whatever is kept may be used.
    """

    tiers: Tiers
    ledger: Ledger | None
    roots: tuple[str, ...]
    size: int
    block: int

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="mnemon-lookup")
        self._looking: dict[str, tuple[int, Chain, Future[int]]] = {}
        self._following: dict[str, _Followed] = {}

    def matched(self, request: Any, computed: int) -> int | None:
        """Tokens beyond the `computed` ones that can be loaded; None: ask again."""
        if not self._may_keep(request):
            return 0
        tokens = request.all_token_ids
        looked = self._looking.get(request.request_id)
        if looked is None or looked[0] != len(tokens):
            chain = Chain(tuple(salted(one, request.cache_salt) for one in self.roots), self.size)
            found = self._threads.submit(self._held, chain, list(tokens))
            looked = self._looking[request.request_id] = (len(tokens), chain, found)
        if not looked[2].done():
            return None
        return max(0, self._result(looked[2]) * self.size - computed)

    def allocated(self, request: Any, external: int) -> None:
        """The request will run; `external` of its tokens are to be loaded."""
        looked = self._looking.pop(request.request_id, None)
        if looked is None:
            return
        held = self._result(looked[2]) if looked[2].done() else 0
        self._following[request.request_id] = _Followed(
            request, looked[1], sources(request) or (), held, external
        )

    def transfers(self, output: Any) -> Transfers:
        """What the workers load and save in a step."""
        told = Transfers(tokens=output.total_num_scheduled_tokens)
        for new in output.scheduled_new_reqs:
            self._scheduled(told, output, new.req_id, new.num_computed_tokens, new.block_ids, True)
        cached = output.scheduled_cached_reqs
        rows = zip(cached.req_ids, cached.num_computed_tokens, cached.new_block_ids, strict=True)
        for name, computed, pages in rows:
            resumed = name in cached.resumed_req_ids
            self._scheduled(told, output, name, computed, pages, resumed)
        return told

    def finished(self, name: str) -> None:
        """Forget a request that has ended."""
        self._looking.pop(name, None)
        self._following.pop(name, None)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown(cancel_futures=True)
        self.tiers.close()

    def _may_keep(self, request: Any) -> bool:
        return is_plain(request) and (self.ledger is None or sources(request) is not None)

    def _held(self, chain: Chain, tokens: Sequence[int]) -> int:
        """How many whole blocks at the head are kept, sound and fresh; the last token is not."""
        found = chain.upto(tokens, (len(tokens) - 1) // self.size)
        every = [key for keys in found for key in keys]
        fresh = set(every) if self.ledger is None else self.ledger.fresh(every)
        for place, keys in enumerate(found):
            own = tokens[place * self.size : (place + 1) * self.size]
            if not all(key in fresh and self._is_sound(key, own) for key in keys):
                return place
        return len(found)

    def _is_sound(self, key: str, tokens: Sequence[int]) -> bool:
        blob = self.tiers.get(key)
        return blob is not None and blob.tensors["tokens"].tolist() == list(tokens)

    def _result(self, found: Future[int]) -> int:
        if (error := found.exception()) is None:
            return found.result()
        _log.warning("what is kept could not be looked up, so it is computed: %s", error)
        return 0

    def _scheduled(
        self, told: Transfers, output: Any, name: str, computed: int,
        pages: tuple[list[int], ...] | None, afresh: bool,
    ) -> None:  # fmt: skip
        one = self._following.get(name)
        if one is None:
            return
        if afresh:
            one.pages.clear()
        one.pages.extend(pages[0] if pages is not None else ())
        tokens = one.request.all_token_ids
        if one.external:
            begin = computed - one.external
            end = -(-computed // self.size)
            pieces = one.chain.pieces(tokens, one.pages, self.block, begin // self.size, end)
            told.loads.append(Load(name, pieces, begin))
            one.external = 0
        one.held = min(one.held, computed // self.size)  # less, if loading failed
        whole = min(computed + output.num_scheduled_tokens[name], len(tokens)) // self.size
        if whole > one.held:
            pieces = one.chain.pieces(tokens, one.pages, self.block, one.held, whole)
            used = tuple(one.pages[: whole * self.size // self.block])
            told.saves.append(Save(name, pieces, one.sources, used))
            one.held = whole
