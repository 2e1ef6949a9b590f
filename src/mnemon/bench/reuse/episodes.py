"""Questions about a conversation of several sessions, under one budget for the cache in use.

    from mnemon.bench.reuse.episodes import measure
    rows = measure(model, tokenizer, embed=StaticEmbedder().embed)

Every method is given the same conversations, questions and budget, and takes the text in the same
blocks; `full` keeps all of it. `<scorer>, whole` sees the whole text before it drops anything: its
peak is that of the full cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch

from mnemon.bench.reuse.history import History, history
from mnemon.kv import seam
from mnemon.kv.cache import KVCache
from mnemon.kv.episodes.episodic import EpisodicCache
from mnemon.kv.episodes.prefill import watching
from mnemon.kv.episodes.segments import conversation, segments
from mnemon.kv.policy import Policy

if TYPE_CHECKING:
    from torch import Tensor

    from mnemon.bench.recall import Question

FULL, EPICACHE, WHOLE = "full", "epicache", ", whole"
METHODS = (FULL, "recency", "leverage", "keydiff", "sirllm", "leverage, whole", EPICACHE)
_LATER = 1 << 30


@dataclass(frozen=True)
class Row:
    """One method over all conversations.

    Attributes:
        right, asked: questions answered exactly, of so many.
        held: bytes of the cache that answers, the mean. peak: the most that was held while the
            conversation was taken in, in any of them; copies during one compression apart.
        full: bytes of a full cache, the mean.
    """

    method: str
    right: int
    asked: int
    held: int
    peak: int
    full: int

    @property
    def accuracy(self) -> float:
        """The share of right answers."""
        return self.right / self.asked


def measure(
    model: Any, tokenizer: Any, *, embed: Any, budget: int = 128, block: int = 384,
    methods: Sequence[str] = METHODS, seeds: Sequence[int] = range(8), episodes: int = 4,
    conversation: Callable[[int], History] = history, **options: Any,
) -> list[Row]:  # fmt: skip
    """A row for each method.

    Args:
        embed: what EpiCache clusters by and picks by. budget: tokens. block: tokens of a pass.
        methods: `full`, `epicache`, or a `kv.score` method, with `, whole` behind it or not.
        conversation: what is asked, by seed. options: of `EpisodicCache.build`.
    """
    told = [conversation(seed) for seed in seeds]
    rows = []
    for method in methods:
        if method == EPICACHE:
            asked = [
                _episodic(model, tokenizer, one, embed, budget, block, episodes, options)
                for one in told
            ]
        else:
            asked = [_single(model, tokenizer, one, method, budget, block) for one in told]
        rows.append(_row(method, asked))
    return rows


@dataclass(frozen=True)
class _Asked:
    right: int
    asked: int
    held: int
    peak: int
    full: int


def _row(method: str, asked: Sequence[_Asked]) -> Row:
    right, count = sum(one.right for one in asked), sum(one.asked for one in asked)
    held = sum(one.held for one in asked) // len(asked)
    full = sum(one.full for one in asked) // len(asked)
    return Row(method, right, count, held, max(one.peak for one in asked), full)


def _single(
    model: Any, tokenizer: Any, told: History, method: str, budget: int, block: int
) -> _Asked:
    ids = torch.tensor(conversation(tokenizer, segments(tokenizer, told.turns, 1)))
    whole = method == FULL or method.endswith(WHOLE)
    name = "recency" if method == FULL else method.removesuffix(WHOLE)
    policy = replace(Policy.of(name), block=1)
    cache = KVCache(model, policy, 1.0 if method == FULL else budget)
    with torch.inference_mode(), watching(model, cache) as held:
        step = len(ids) if whole else block
        for begin in range(0, len(ids), step):
            seam.forward(model, ids[None, begin : begin + step], cache, logits_to_keep=1)
    cache.policy = replace(policy, block=_LATER)
    weighed = cache.nbytes
    right = sum(_right(model, cache, one) for one in told.questions)
    peak = max(*held, weighed)
    return _Asked(right, len(told.questions), weighed, peak, cache.full_nbytes)


def _episodic(
    model: Any, tokenizer: Any, told: History, embed: Any, budget: int, block: int,
    episodes: int, options: dict[str, Any],
) -> _Asked:  # fmt: skip
    memory = EpisodicCache.build(
        model, tokenizer, told.turns, embed=embed, budget=budget, block=block, episodes=episodes,
        **options,
    )  # fmt: skip
    right, weighed, full = 0, 0, 0
    for one in told.questions:
        cache = memory.cache_for(_spoken(tokenizer, one))
        weighed, full = max(weighed, cache.nbytes), cache.full_nbytes
        right += _right(model, cache, one)
    return _Asked(right, len(told.questions), weighed, memory.peak_nbytes, full)


def _spoken(tokenizer: Any, asked: Question) -> str:
    text: str = tokenizer.decode(asked.ids)
    return text


def _right(model: Any, cache: KVCache, asked: Question) -> bool:
    """Whether greedy decoding would give the answer: one pass tells; it is taken back."""
    ids = torch.tensor([asked.ids + asked.answer], device=model.device)
    with torch.inference_mode():
        logits: Tensor = seam.forward(model, ids[:, :-1], cache)
    cache.crop(-(ids.shape[1] - 1))
    count = len(asked.answer)
    return bool((logits[0, -count:].argmax(-1) == ids[0, -count:]).all())
