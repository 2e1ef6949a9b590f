"""Absorbing: a namespace's cubes read into a latent pool, which is kept as an artifact of them.

A pool mixes all that it has read: nothing can be taken out of it again. So it has every cube as a
source, and dies with each; what was read before the one that went is read on from an older pool
that never had it, the rest is read again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch

from mnemon import methods
from mnemon.errors import InvalidInput, NotFound
from mnemon.kv.reuse.fingerprint import fingerprint
from mnemon.weights import governance
from mnemon.weights.ask import own
from mnemon.weights.lesson import prompt_ids
from mnemon.weights.pool._latents import Latents
from mnemon.weights.reading import greedy

if TYPE_CHECKING:
    from mnemon.artifacts import Artifact
    from mnemon.choosing import Kinds
    from mnemon.cube import MemCube
    from mnemon.memory import Memory
    from mnemon.weights.pool import Pool

SLOT = "weights.pool"


@dataclass(frozen=True, slots=True)
class Absorbed:
    """What `absorb` did.

    Attributes:
        pool: the artifact; None if there is nothing to absorb.
        read: ids of cubes that were read now. resumed: how many were in the pool that it went on
            from (0: it began with none).
        withheld: ids of those that may not become weights.
    """

    pool: Artifact | None
    read: tuple[str, ...]
    resumed: int
    withheld: tuple[str, ...]


def absorb(
    memory: Memory, model: Any, tokenizer: Any, *, method: str = "memoryllm",
    kind: Kinds = "fact", every: int = 64, progress: Callable[[int, int], None] | None = None,
    **options: Any,
) -> Absorbed:  # fmt: skip
    """Bring a namespace's latent pool up to date: read what is new, or all again that has to be.

    Cubes are read in the order they were recorded. The pool goes on from the newest one that is
    fresh and has read nothing else, so after `forget` or a change the cubes since then are read
    again, and the result is that of a memory that never had what went.

    Args:
        model: of transformers, trained for the method; its weights are not changed.
        method: of the slot `weights.pool`, with its options.
        kind: of the cubes that are read, or several. Left out is what is withheld (see
            `governance.withheld`).
        every: after so many cubes a pool is kept on the way, to go on from: forgetting is dearer
            with fewer of them, and they take more bytes with more. Kept besides are the newest, and
            the one that this call went on from; others on the way are dropped.
        progress: called with (cubes read, to be read).

    Raises:
        UnknownName: no such method or option. InvalidInput: the model is not made for it, or
            `every` is not positive.
        StaleArtifact, NotForWeights: a cube changed, or was withheld, while it was read.
    """
    if every < 1:
        raise InvalidInput(f"every={every}: a pool is kept after 1 cube or more")
    reader = _Reading(memory, model, tokenizer, methods.load(SLOT, method, **options))
    cubes, withheld = governance.permitted(memory, kind)
    if not cubes:
        return Absorbed(None, (), 0, withheld)
    known, pool = reader.longest(cubes)
    found = known
    for number, cube in enumerate(cubes[(resumed := len(known.sources) if known else 0) :], 1):
        pool = reader.read(pool, cube)
        done = resumed + number
        if done == len(cubes) or done % every == 0:
            found = reader.keep(cubes[:done], pool)
        if progress is not None:
            progress(number, len(cubes) - resumed)
    if resumed < len(cubes):
        reader.drop_older(cubes, resumed, every)
    return Absorbed(found, tuple(one.id for one in cubes[resumed:]), resumed, withheld)


class PoolReader:
    """Answers from the newest latent pool of a memory, one question at a time.

    It is opened, and so asked whether it is fresh, for each question. What was added since
    `absorb` is not in it; nor, after `forget`, what was read after the forgotten cube.
    """

    def __init__(
        self, memory: Memory, model: Any, tokenizer: Any, *, method: str = "memoryllm",
        pool: Artifact | None = None, **options: Any,
    ) -> None:  # fmt: skip
        """Open one.

        Args:
            pool: this one instead, whatever its method and options.

        Raises:
            NotFound: the memory has no fresh pool of this model, method and options.
        """
        self._memory, self._model, self._tokenizer = memory, model, tokenizer
        self._method: Pool
        if pool is not None:
            self._method, self.key = of_pool(pool), pool.key
            return
        self._method = methods.load(SLOT, method, **options)
        found = _Reading(memory, model, tokenizer, self._method).fresh()
        if not found:
            raise NotFound(
                f"no fresh latent pool of {method!r} with these options and this model in "
                f"{memory.namespace!r}: call mnemon.weights.absorb"
            )
        self.key = max(found, key=lambda one: len(one.sources)).key

    @torch.no_grad()
    def answer(self, question: str, *, most: int = 16) -> str:
        """The model's greedy answer, of `most` tokens at most.

        Args:
            question: as a person asks it, or as the model is asked (see `mnemon.weights.ask`).

        Raises:
            StaleArtifact: a cube that the pool has read has changed: absorb again.
            NotFound: it was forgotten: absorb again, and open another reader.
        """
        pool = _opened(self._memory, self.key, self._model)
        cache = self._method.cache(self._model, pool)
        put = own(self._tokenizer)
        prompt, ends = put.prompt(self._tokenizer, question), put.ends(self._tokenizer)
        ids = greedy(self._model, prompt, ends, most, cache)
        return str(self._tokenizer.decode(ids, skip_special_tokens=True)).strip()


class _Reading:
    """One method over one memory's cubes, with one model."""

    def __init__(self, memory: Memory, model: Any, tokenizer: Any, method: Pool) -> None:
        self._memory, self._model, self._tokenizer = memory, model, tokenizer
        self._method, self._producer = method, methods.producer(method)
        self._options: dict[str, Any] = asdict(method)  # type: ignore[call-overload]
        self._base = fingerprint(model, tokenizer).digest

    def fresh(self) -> list[Artifact]:
        """Fresh pools of this method, its options and this model."""
        return [
            one for one in self._memory.artifacts.list(governance.LATENT)
            if one.fresh and one.model == self._base and one.method == self._producer
            and one.header["options"] == self._options
        ]  # fmt: skip

    def longest(self, cubes: Sequence[MemCube]) -> tuple[Artifact | None, Latents]:
        """The pool that has read the most of cubes, in their order, and nothing else."""
        wanted = tuple((one.id, one.version) for one in cubes)
        known = [one for one in self.fresh() if one.sources == wanted[: len(one.sources)]]
        if not known:
            return None, self._method.empty(self._model)
        best = max(known, key=lambda one: len(one.sources))
        return best, _opened(self._memory, best.key, self._model)

    def drop_older(self, cubes: Sequence[MemCube], resumed: int, every: int) -> None:
        """Let go of the pools on the way to the one of all cubes, but for every so many, and for
        the one that was gone on from: who reads it now may go on reading."""
        wanted = tuple((one.id, one.version) for one in cubes)
        older = [
            one.key for one in self.fresh()
            if (count := len(one.sources)) % every and count not in (resumed, len(cubes))
            and one.sources == wanted[:count]
        ]  # fmt: skip
        self._memory.artifacts.drop(older)

    def read(self, pool: Latents, cube: MemCube) -> Latents:
        ids = prompt_ids(self._tokenizer, cube.content)
        return self._method.update(self._model, pool, ids)

    def keep(self, cubes: Sequence[MemCube], pool: Latents) -> Artifact:
        return self._memory.artifacts.derive(
            governance.LATENT, cubes, pool.to_bytes(), method=self._producer, model=self._base,
            options=self._options, header={"updates": pool.updates, "nbytes": pool.nbytes},
        )  # fmt: skip


def of_pool(pool: Artifact) -> Pool:
    """The method that made a pool, with its options."""
    name = pool.method.removeprefix(f"method:{SLOT}/").partition("@")[0]
    found: Pool = methods.load(SLOT, name, **pool.header["options"])
    return found


def _opened(memory: Memory, key: str, model: Any) -> Latents:
    return Latents.from_bytes(memory.artifacts.open(key).payload or b"", model.device)
