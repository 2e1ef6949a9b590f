"""A long conversation under a fixed budget: one small cache an episode, the question picks which.

EpiCache: Episodic KV Cache Management for Long Conversational Question Answering (Kim et al.,
2025), https://arxiv.org/abs/2509.17396; official code apple/ml-epicache at b742661, not copied.
The conversation is cut into segments of a few turns, their embeddings are clustered into episodes,
and the whole conversation is taken block by block once for each episode: after a block, the
episode's medoid segment stands as a prompt, and the tokens that it attends to least go.
How ours differs: the prompt is one medoid and nothing else (official code: four, after an
instruction in English; here `medoids` and `instruction`); a block includes the prompt and the
queries that score, so that what is held never exceeds the budget and one block; layer budgets are
measured on the head of the conversation itself (paper: on another text, once for a model); heads of
a layer keep the same number (official code: the layer's best tokens over all its heads).
Not for models with layers that are not of full attention. Building takes one prefill an episode.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch

from mnemon.errors import InvalidInput, NotFound
from mnemon.kv.episodes import storing
from mnemon.kv.episodes.building import FORM, begun
from mnemon.kv.episodes.clusters import clustered
from mnemon.kv.episodes.segments import Segment, conversation, segments
from mnemon.kv.policy import Policy
from mnemon.kv.reuse.fingerprint import fingerprint
from mnemon.kv.reuse.keeping import Shelf, keep
from mnemon.kv.reuse.keys import root
from mnemon.kv.reuse.ledger import Sourceless
from mnemon.kv.reuse.seeding import check_reusable

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import PreTrainedModel

    from mnemon.kv.budget import Budget
    from mnemon.kv.cache import KVCache
    from mnemon.kv.reuse.ledger import Ledger, Sources
    from mnemon.kv.tiers.blob import Blob

Embed = Callable[[list[str]], "NDArray[np.float32]"]
"""Texts to rows `[N, D]`; nearer in meaning is a larger cosine."""

_NEVER = 1 << 30


class Places(Shelf, Protocol):
    """Where finished episodes lie: `mnemon.kv.tiers` has one."""

    def get(self, key: str) -> Blob | None:
        """The blob, or None."""
        ...


@dataclass(frozen=True)
class Episode:
    """One topic of the conversation, and where its cache is.

    Attributes:
        key: of its blob. centroid: mean embedding of its segments, unit, float32 `[D]`.
        blob: the cache; None: it lies in the places it was put.
    """

    key: str
    centroid: NDArray[np.float32]
    blob: Blob | None


@dataclass(frozen=True)
class EpisodicCache:
    """The caches of one conversation.

    Attributes:
        tokens: ids of the whole conversation, int64 `[T]`: `generate` wants them before the
            question. budget: tokens that each cache holds.
        sources: what the conversation was made from. Each episode's cache has seen all of it: if
            any of it is forgotten or changed, all episodes must go. ledger: who knows whether it
            was; None: nobody asks.
        peak_nbytes: the most that the cache under construction held; 0 where it was loaded.
    """

    model: PreTrainedModel
    embed: Embed
    tokens: Tensor
    budget: int
    episodes: tuple[Episode, ...]
    sources: Sources = ()
    tiers: Places | None = None
    peak_nbytes: int = 0
    ledger: Ledger | None = None

    @classmethod
    def build(
        cls, model: PreTrainedModel, tokenizer: Any, turns: Sequence[str], *, embed: Embed,
        budget: Budget | int | float | str, episodes: int = 4, window: int = 4, medoids: int = 1,
        instruction: str = "", block: int = 2048, alpha: float = 2.0, compress: Any = None,
        sources: Sources = (), tiers: Places | None = None, ledger: Ledger | None = None,
        salt: str = "", embedder: str = "",
    ) -> EpisodicCache:  # fmt: skip
        """Take the conversation in, once for each episode.

        Args:
            turns: the conversation, oldest first.
            embed: texts to rows; queries go through the same function.
            budget: of the one cache that is in use at a time, as of a `KVCache`.
            episodes: how many, at most. window: turns a segment. medoids: segments nearest to the
                episode's centroid that are its prompt. instruction: text before them.
            block: what one pass weighs at most, in tokens: text, prompt, and the prompt's queries.
            alpha: how sharply layer budgets follow the layers' sensitivity; 0: all the same.
            compress: a `kv.compress` method; None: what is kept stays as it is.
            sources: (cube id, version) of the turns.
            tiers: where each episode goes when it is finished; None: they all stay in memory.
            ledger: told of each episode and its sources, and asked at every use: a
                `MemoryLedger` that the tiers are attached to has them deleted with their cubes.
            salt, embedder: part of the keys: whose it is, and what `embed` is.

        Raises:
            InvalidInput: no turns, a model with other layers than full attention, a block too
                small for a prompt, or a budget too small.
            StaleArtifact: a source changed meanwhile.
        """
        check_reusable(model)
        parts = segments(tokenizer, turns, window)
        tokens = torch.tensor(conversation(tokenizer, parts), device=model.device)
        began = tokenizer(instruction, add_special_tokens=False).input_ids if instruction else []
        told = {"sources": [list(one) for one in sources], "embedder": embedder}
        parent = root(fingerprint(model, tokenizer), salt, f"{FORM} {embedder}")
        work = begun(model, tokens, budget, block, alpha, compress, parent, told)
        made, peak = [], 0
        for cluster in clustered(embed([one.text for one in parts]), episodes):
            prompt = [*began, *_prompt(parts, cluster.medoids[:medoids])]
            blob, held, seconds = work.episode(prompt, cluster.centroid)
            keep(blob, tiers, ledger or Sourceless(), sources, seconds=seconds)
            made.append(Episode(blob.key, cluster.centroid, None if tiers is not None else blob))
            peak = max(peak, held)
        return cls(model, embed, tokens, work.budget, tuple(made), sources, tiers, peak, ledger)

    @classmethod
    def load(
        cls, model: PreTrainedModel, blobs: Sequence[Blob], *, embed: Embed,
        ledger: Ledger | None = None,
    ) -> EpisodicCache:  # fmt: skip
        """The caches of one conversation from their blobs.

        Raises:
            InvalidInput: no blobs, blobs of something else, or of another model.
        """
        headers = [one.header for one in blobs]
        if not blobs or any(one.get("form") != FORM for one in headers):
            raise InvalidInput(f"episodes are loaded from blobs of form {FORM}, one or more")
        if any(one["model"] != fingerprint(model).digest for one in headers):
            raise InvalidInput(
                f"these episodes were built with other weights than this {type(model).__name__}'s:"
                " build them anew"
            )
        made = tuple(Episode(one.key, one.tensors["centroid"].numpy(), one) for one in blobs)
        tokens = blobs[0].tensors["ids"].to(model.device, torch.int64)
        sources = tuple((str(cube), int(version)) for cube, version in headers[0]["sources"])
        return cls(model, embed, tokens, int(headers[0]["budget"]), made, sources, ledger=ledger)

    def nearest(self, query: str) -> int:
        """The number of the episode whose centroid is nearest to the query by cosine."""
        (row,) = np.asarray(self.embed([query]), dtype=np.float32)
        return int(np.argmax([one.centroid @ row for one in self.episodes]))

    def cache_for(self, query: str) -> KVCache:
        """A cache that has seen the conversation and holds what the nearest episode kept of it.

        What is said next stays beside it, uncompressed; two caches share nothing that is written
        to. For `generate`, put `tokens` before those of the question.

        Raises:
            NotFound: the episode is no longer where it was put, or no longer what its sources say.
        """
        one = self.episodes[self.nearest(query)]
        if self.ledger is not None and not self.ledger.fresh([one.key]):
            raise NotFound(
                f"what the episode {one.key[:16]} was made from changed or was forgotten: build the"
                " caches of this conversation anew"
            )
        blob = one.blob
        if blob is None and self.tiers is not None:
            blob = self.tiers.get(one.key)
        if blob is None:
            raise NotFound(
                f"the episode {one.key[:16]} is no longer where it was put: build the caches of"
                " this conversation anew"
            )
        kept = Policy.from_json(blob.header["policy"]).compress
        policy = Policy(compress=kept, sinks=0, window=1, block=_NEVER)
        return storing.thawed(self.model, blob, policy, self.budget)


def _prompt(parts: Sequence[Segment], medoids: Sequence[int]) -> list[int]:
    """The medoids' tokens, in the order of the conversation."""
    return [token for one in sorted(medoids) for token in parts[one].tokens]
