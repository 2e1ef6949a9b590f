"""PrefixCache: the longest beginning of a prompt whose keys and values are kept is not computed.

A prompt is cut into blocks of equal size, and a block's key covers all tokens up to its end and
the model (see `keys`): two prompts that begin alike find the same blocks. As in vLLM's prefix
caching and PagedAttention (https://arxiv.org/abs/2309.06180), blocks are shared and never change;
as in ChunkAttention (https://arxiv.org/abs/2402.15220), they form a tree.
"""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.kv.budget import Budget
from mnemon.kv.reuse import keys as keyed
from mnemon.kv.reuse.block import Block
from mnemon.kv.reuse.fingerprint import fingerprint
from mnemon.kv.reuse.kept import Kept
from mnemon.kv.reuse.ledger import Ledger, Sourceless, Sources
from mnemon.kv.reuse.packing import blob_of
from mnemon.kv.reuse.places import Places
from mnemon.kv.reuse.relay import Relay
from mnemon.kv.reuse.seeding import check_reusable, extend, seeded, taken
from mnemon.kv.reuse.sharing import forked
from mnemon.kv.room import spare

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from mnemon.kv.cache import KVCache
    from mnemon.kv.policy import Policy

FORM = "kv-block"


@dataclass(frozen=True)
class Begun:
    """A cache that has seen the beginning of a prompt.

    Attributes:
        cache: of one sequence; what remains is given to the model with it.
        reused: tokens it has seen without computing them.
        by_tier: the same tokens by where their blocks lay: `memory`, or a tier's name.
    """

    cache: KVCache
    reused: int
    by_tier: Mapping[str, int]


class Loan(NamedTuple):
    """What a cache began with: the root and keys of its blocks, and what ends their use."""

    root: str
    keys: tuple[str, ...]
    back: weakref.finalize[[Iterable[str]], KVCache]


class PrefixCache:
    """Kept keys and values of one model's prompts. Safe to use from several threads.

    Attributes:
        size: tokens a block.
        counts: `reused` and `left` (tokens that `begin` found, and did not), `published`,
            `stale` (blocks whose sources had changed), `damaged` (blocks that were there and could
            not be read), `skipped` (blocks slower to load than to compute), `withdrawn` (blocks
            whose sources changed while they were published).
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: Any = None,
        *,
        tiers: Places | None = None,
        ledger: Ledger | None = None,
        salt: str = "",
        size: int = 128,
        memory: int | str = "1GB",
    ) -> None:
        """Keep blocks for a model.

        Args:
            tokenizer: the model's; part of the keys.
            tiers: where blocks lie (`mnemon.kv.tiers.Tiers`); without, in this process.
            ledger: who knows whether a block may still be used; without, all may.
            salt: the tenant; two salts never share a block.
            size: tokens a block.
            memory: bytes that are held in this process if there are no tiers; `"1GB"` or a number.

        Raises:
            InvalidInput: a model some of whose layers do not keep all tokens; a size below 1.
        """
        check_reusable(model)
        if size < 1:
            raise InvalidInput(f"size={size}: a block has at least 1 token")
        self.model, self.tokenizer = model, tokenizer
        self.salt, self.size = salt, size
        limit = memory if isinstance(memory, int) else int(Budget.of(memory).amount)
        self._kept = Kept(tiers, Sourceless() if ledger is None else ledger, limit)
        self._loans: weakref.WeakKeyDictionary[KVCache, Loan] = weakref.WeakKeyDictionary()

    @property
    def counts(self) -> Mapping[str, int]:
        """What happened so far."""
        return dict(self._kept.counts)

    @property
    def nbytes(self) -> int:
        """Bytes of blocks held here (not in tiers)."""
        return self._kept.tree.nbytes

    def root(self) -> str:
        """What the keys of the model, as it is now, begin with."""
        return keyed.root(fingerprint(self.model, self.tokenizer), self.salt)

    def known(self, tokens: Sequence[int]) -> int:
        """How many first tokens of a prompt lie in kept blocks; fresh or not."""
        return self.size * len(self._kept.there(keyed.chain(self.root(), tokens, self.size)))

    def begin(
        self,
        tokens: Sequence[int],
        *,
        policy: Policy | str = "recency",
        budget: Budget | float | int | str = 1.0,
    ) -> Begun:
        """A cache that has seen the longest kept beginning of a prompt, never all of it.

        Blocks that may no longer be used are let go, with all that continue them.

        Args:
            policy, budget: of the cache, compressed at once (`seeding.seeded`).

        Raises:
            InvalidInput: no tokens; a policy that kept keys and values cannot serve.
        """
        root = self.root()
        keys, found = self._found(root, tokens)
        left = len(tokens) - len(found) * self.size
        blocks = [block for block, _ in found]
        cache = seeded(self.model, blocks, policy, budget, room=left + spare(len(tokens)))
        self._lend(cache, root, keys)
        return Begun(cache, len(found) * self.size, _by_tier(found))

    def next_known(self, tokens: Sequence[int], start: int) -> int:
        """Where, from `start` on, the next kept block of a prompt begins; its length: nowhere."""
        keys = keyed.chain(self.root(), tokens[: len(tokens) - 1], self.size)
        for number in range(-(-start // self.size), len(keys)):
            if self._kept.place(keys[number]) is not None:
                return number * self.size
        return len(tokens)

    def go_on(self, cache: KVCache, tokens: Sequence[int]) -> Mapping[str, int]:
        """Let a cache see the kept blocks that follow what it has seen of a prompt.

        So a block that was lost costs its own tokens and not those after it: what a block holds
        depends on the tokens before it, not on where theirs came from.

        Args:
            cache: of one sequence, uncompressed; it has seen the first tokens, whole blocks.

        Returns:
            Tokens it has seen by this, by where they lay.

        Raises:
            InvalidInput: it has seen a part of a block.
        """
        if cache.slots % self.size or not cache.slots:
            raise InvalidInput(f"a cache that has seen {cache.slots} tokens ends within a block")
        loan = self._loans.get(cache)
        root, used = (self.root(), ()) if loan is None else (loan.root, loan.keys)
        keys, found = self._found(root, tokens, cache.slots // self.size)
        extend(cache, [block for block, _ in found])
        self.release(cache)
        self._lend(cache, root, (*used, *keys))
        return _by_tier(found)

    def together(self, prompts: Sequence[Sequence[int]]) -> Relay:
        """A cache for a batch of prompts, each block that several begin with held once.

        What each begins with is told by its `begun`; `relay.laid_out` makes what the model is
        given.

        Raises:
            InvalidInput: no prompts, or one without tokens.
        """
        root = self.root()
        used: dict[str, None] = {}  # in order: what continues a block after it
        blocks: dict[str, Block] = {}
        chains = []
        for tokens in prompts:
            keys, found = self._found(root, tokens)
            chains.append(
                [blocks.setdefault(key, block) for key, (block, _) in zip(keys, found, strict=True)]
            )
            used.update(dict.fromkeys(keys))
        cache = Relay(self.model, chains)
        self._lend(cache, root, tuple(used))
        return cache

    def fork(self, cache: KVCache) -> KVCache:
        """A second cache that has seen the same; nothing is copied until one of them goes on."""
        made = forked(cache)
        if cache in self._loans:
            self._lend(made, self._loans[cache].root, self._loans[cache].keys)
        return made

    def release(self, cache: KVCache) -> None:
        """A cache is no longer used: the blocks that it began with may go."""
        loan = self._loans.pop(cache, None)
        if loan is not None:
            loan.back()

    def publish(
        self,
        cache: KVCache,
        tokens: Sequence[int],
        sources: Callable[[int, int], Sources] | Sources = (),
        *,
        seconds: float,
    ) -> int:
        """Keep the whole blocks of a prompt that are not kept yet.

        Args:
            cache: of one sequence, uncompressed; it has seen the tokens (or the first of them).
            sources: (cube id, version) of what the tokens come from: of all, or a function of
                where a block begins and ends that tells those of its own tokens.
            seconds: what computing the tokens took that were not reused; their blocks share it.

        Returns:
            How many blocks. If a source of one has changed, neither it nor what continues it.

        Raises:
            InvalidInput: the cache does not hold the tokens as they were computed, or the model
                was changed since it was begun.
        """
        root = self.root()
        if cache in self._loans and self._loans[cache].root != root:
            raise InvalidInput(
                "the model was changed since this cache was begun: what it computed before cannot"
                " be kept for the model as it is now; begin again"
            )
        length = min(len(tokens), cache.slots)
        keys = keyed.chain(root, tokens[:length], self.size)
        known = self._kept.usable(keys)
        new = [number for number, key in enumerate(keys) if key not in known]
        if not new:
            self._kept.tree.touch(keys)
            return 0
        each = seconds * self.size / (length - new[0] * self.size)
        ids = torch.tensor(tokens[:length], dtype=torch.int32)
        done = 0
        for number in new:
            begin, end = number * self.size, (number + 1) * self.size
            block = taken(cache, ids, begin, end)
            own = sources(begin, end) if callable(sources) else sources
            parent = keys[number - 1] if number else None
            name = type(self.model).__name__
            blob = blob_of(block, keys[number], form=FORM, seconds=each, model=name)
            if not self._kept.keep(blob, block, parent, own, each):
                break
            done += 1
        self._kept.tree.touch(keys)
        self._kept.count(published=done)
        return done

    def forget(self, keys: Iterable[str]) -> int:
        """Let blocks go, here and in the tiers, with all that continue them; how many there were.

        What continues a block is known here if this process began or published it.
        """
        return self._kept.forget(keys)

    def _found(
        self, root: str, tokens: Sequence[int], first: int = 0
    ) -> tuple[tuple[str, ...], list[tuple[Block, str]]]:
        """Keys of kept blocks of a prompt from its block `first` on; they, and where they lay.

        They are on the model's device.
        """
        if not len(tokens):
            raise InvalidInput("a prompt has at least one token")
        keys = keyed.chain(root, tokens[: len(tokens) - 1], self.size)
        layers = seam.text_config(self.model).num_hidden_layers
        places = self._kept.longest(keys[first:])
        found = self._kept.read(places, tokens, self.size, layers, keys[:first])
        reused = len(found) * self.size
        left = 0 if first else len(tokens)
        self._kept.count(reused=reused, left=left - reused)
        device = self.model.device
        there = [(block.to(device, non_blocking=True), place) for block, place in found]
        return tuple(keys[first : first + len(found)]), there

    def _lend(self, cache: KVCache, root: str, keys: tuple[str, ...]) -> None:
        """Note that a cache was begun with blocks: as long as it lives, they are in use."""
        self._kept.tree.use(keys)
        back = weakref.finalize(cache, self._kept.tree.leave, keys)
        back.atexit = False
        self._loans[cache] = Loan(root, keys, back)


def _by_tier(found: Sequence[tuple[Block, str]]) -> dict[str, int]:
    by_tier: Counter[str] = Counter()
    for block, place in found:
        by_tier[place] += len(block)
    return dict(by_tier)
