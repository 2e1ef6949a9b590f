"""Conversation: the live state of one dialogue, so that each turn computes only its new tokens.

Pensieve (Yu et al., 2023, https://arxiv.org/abs/2312.05516) keeps a conversation's keys and values
between its turns and brings them back from slower places when it goes on.

How ours differs: what is live is exact to the last token, the unfinished block included; what lies
in slower places is whole blocks, shared with every other conversation that began alike.
"""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.kv.budget import Budget
from mnemon.kv.reuse.ledger import Sources
from mnemon.kv.reuse.prefix import PrefixCache
from mnemon.kv.reuse.seeding import everything, seeded

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel

    from mnemon.kv.cache import KVCache
    from mnemon.kv.policy import Policy

LIVE = "live"


@dataclass(frozen=True)
class Prefilled:
    """What came of making a cache hold a prompt.

    Attributes:
        logits: `[V]` of the token after the last.
        cache: it has seen all the tokens.
        reused: tokens that were not computed. computed: those that were.
        seconds: what computing took, loading not counted.
        by_tier: `reused` by where they lay: `live` (in the conversation's own cache), `memory`, or
            a tier's name.
    """

    logits: Tensor
    cache: KVCache
    reused: int
    computed: int
    seconds: float
    by_tier: Mapping[str, int]


class Conversation:
    """One dialogue over a `PrefixCache`. For one thread at a time; others may share the blocks.

    Attributes:
        tokens: what the live cache has seen, exactly. cache: the live cache, or None.
    """

    def __init__(
        self,
        prefixes: PrefixCache,
        *,
        policy: Policy | str = "recency",
        budget: Budget | float | int | str = 1.0,
        chunk: int = 2048,
    ) -> None:
        """Begin with nothing.

        Args:
            policy, budget: what the live cache is compressed with after each prefill; agnostic.
            chunk: tokens that are given to the model at a time.

        Raises:
            InvalidInput: a chunk below 1; a policy that kept keys and values cannot serve.
        """
        if chunk < 1:
            raise InvalidInput(f"chunk={chunk}: give the model at least 1 token at a time")
        self.prefixes, self.policy, self.budget = prefixes, policy, Budget.of(budget)
        self.chunk = chunk
        self.tokens: list[int] = []
        self.cache: KVCache | None = None
        self._root = ""
        self._seconds = 0.0
        seeded(prefixes.model, None, policy, budget)  # refuses now what cannot work later

    def prefill(
        self, tokens: Sequence[int], sources: Callable[[int, int], Sources] | Sources | None = None
    ) -> Prefilled:
        """Make the cache hold exactly these tokens, computing as few as possible.

        What the live cache has seen of them stays; where they differ from it (a turn was edited),
        it goes back to what is common, or begins again with kept blocks if those reach further.
        Under a budget, a prompt that begins anew is computed in full and compressed at its end.

        Args:
            tokens: the whole conversation so far, at least one.
            sources: publish at once, with these (`publish`); under a budget, only now can it be.

        Raises:
            InvalidInput: no tokens; the cache was given tokens that `follow` was not told.
        """
        if not len(tokens):
            raise InvalidInput("a prompt has at least one token")
        wanted = [int(one) for one in tokens]
        root = self.prefixes.root()
        by_tier = self._stay(wanted, root) or self._begin(wanted)
        self._root = root
        logits, computed, seconds = self._fill(wanted, by_tier)
        assert self.cache is not None
        if sources is not None and not self.cache.compresses:
            self.publish(sources)
        if self.compresses and not self.cache.compresses:
            block = everything(self.cache, self.tokens)
            self.prefixes.release(self.cache)
            self.cache = seeded(self.prefixes.model, block, self.policy, self.budget)
        reused = len(wanted) - computed
        return Prefilled(logits, self.cache, reused, computed, seconds, by_tier)

    def append(self, tokens: Sequence[int]) -> Tensor:
        """Go on with tokens, such as the one just chosen: the logits `[V]` after the last.

        Raises:
            InvalidInput: no tokens; nothing was prefilled.
        """
        if not len(tokens) or self.cache is None:
            raise InvalidInput("prefill a prompt first, then append at least one token")
        self._check_followed()
        return self._compute([int(one) for one in tokens])[0]

    def follow(self, tokens: Sequence[int]) -> None:
        """Take note of tokens that someone else gave to the model with this cache.

        Args:
            tokens: those that the cache has seen since; `generate` does not give it the last.

        Raises:
            InvalidInput: the cache has seen more or fewer.
        """
        self.tokens += [int(one) for one in tokens]
        try:
            self._check_followed()
        except InvalidInput:
            del self.tokens[len(self.tokens) - len(tokens) :]
            raise

    def publish(self, sources: Callable[[int, int], Sources] | Sources = ()) -> int:
        """Keep the whole blocks that are not kept yet (`PrefixCache.publish`); how many.

        Raises:
            InvalidInput: the live cache is compressed: give `prefill` the sources.
        """
        if self.cache is None:
            return 0
        if self.cache.compresses:
            raise InvalidInput(
                "the conversation's cache is compressed, and blocks hold everything: give prefill"
                " the sources, then it publishes before it compresses"
            )
        self._check_followed()
        done = self.prefixes.publish(self.cache, self.tokens, sources, seconds=self._seconds)
        self._seconds = 0.0
        return done

    def rest(self, sources: Callable[[int, int], Sources] | Sources = ()) -> int:
        """Publish, and let the live state go: the next prefill begins with kept blocks."""
        done = 0 if self.compresses else self.publish(sources)
        self.close()
        return done

    def fork(self) -> Conversation:
        """A second conversation that has seen the same; nothing is copied until one goes on."""
        other = Conversation(
            self.prefixes, policy=self.policy, budget=self.budget, chunk=self.chunk
        )
        if self.cache is not None:
            other.cache = self.prefixes.fork(self.cache)
            other.tokens, other._root = list(self.tokens), self._root
        return other

    def close(self) -> None:
        """Let the live state go: its cache is reset. The conversation can begin again."""
        if self.cache is not None:
            self.prefixes.release(self.cache)
            self.cache.reset()
        self.cache, self.tokens, self._seconds = None, [], 0.0

    @property
    def compresses(self) -> bool:
        """Whether the live cache is under a budget."""
        return self.budget.unit != "fraction" or self.budget.amount < 1

    def _check_followed(self) -> None:
        seen = 0 if self.cache is None else self.cache.slots
        if seen != len(self.tokens):
            raise InvalidInput(
                f"the conversation's cache has seen {seen} tokens, and {len(self.tokens)} were"
                " told: `follow` takes those that the model was given with it"
            )

    def _stay(self, wanted: list[int], root: str) -> dict[str, int]:
        """Keep the live cache for what it has in common with the prompt; empty: it cannot be."""
        if self.cache is None or root != self._root:
            return {}
        self._check_followed()
        common = _common(self.tokens, wanted)
        if common < len(self.tokens):
            if self.cache.compresses or common <= self.prefixes.known(wanted[:-1]):
                return {}
            self.cache.crop(common - len(self.tokens))
            self.tokens = wanted[:common]
        return {LIVE: common} if common else {}

    def _begin(self, wanted: list[int]) -> dict[str, int]:
        self.close()
        begun = self.prefixes.begin(wanted)
        self.cache, self.tokens = begun.cache, wanted[: begun.reused]
        return dict(begun.by_tier)

    def _fill(self, wanted: list[int], by_tier: dict[str, int]) -> tuple[Tensor, int, float]:
        """Compute what is missing of a prompt, kept blocks between put in their place.

        Returns:
            The logits after the last token, the tokens computed and the seconds they took.
        """
        computed, seconds = 0, 0.0
        while True:
            start = len(self.tokens)
            stop = self._until(wanted)
            logits, took = self._compute(wanted[start:stop])
            computed, seconds = computed + stop - start, seconds + took
            if stop == len(wanted):
                return logits, computed, seconds
            assert self.cache is not None
            for place, count in self.prefixes.go_on(self.cache, wanted).items():
                by_tier[place] = by_tier.get(place, 0) + count
            self.tokens = wanted[: self.cache.slots]

    def _until(self, wanted: list[int]) -> int:
        """Where the tokens end that are to be computed next: at a kept block, or the last."""
        start = len(self.tokens)
        if self.cache is None or self.cache.compresses or len(wanted) - start <= self.prefixes.size:
            return len(wanted)
        known = self.prefixes.next_known(wanted, start)
        return known if known > start else len(wanted)  # one that is here is slower to load

    def _compute(self, tokens: list[int]) -> tuple[Tensor, float]:
        """Logits after the last of some more tokens, and the seconds they took."""
        assert self.cache is not None
        model = self.prefixes.model
        begun = time.perf_counter()
        for start in range(0, len(tokens), self.chunk):
            piece = tokens[start : start + self.chunk]
            ids = torch.tensor([piece], device=model.device)
            with torch.no_grad():
                logits = seam.forward(model, ids, self.cache, **last_only(model))
            self.tokens += piece
        last = logits[0, -1].clone()
        if last.is_cuda:
            torch.cuda.synchronize(last.device)
        seconds = time.perf_counter() - begun
        self._seconds += seconds
        return last, seconds


def _common(old: Sequence[int], new: Sequence[int]) -> int:
    """How many first tokens are the same, the last of the new ones never counted."""
    most = min(len(old), len(new) - 1)
    return next((i for i in range(most) if old[i] != new[i]), most)


def last_only(model: PreTrainedModel) -> dict[str, int]:
    """What tells a model to make logits of the last token only, if it can."""
    known = inspect.signature(model.forward).parameters
    return {"logits_to_keep": 1} if "logits_to_keep" in known else {}
