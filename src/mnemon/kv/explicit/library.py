"""The explicit memories of many texts: which are near, and text that attends to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from mnemon.errors import InvalidInput
from mnemon.kv import seam
from mnemon.kv.cache import KVCache
from mnemon.kv.explicit.explicit import Explicit, stores
from mnemon.kv.explicit.memory3 import Memory3
from mnemon.kv.reuse.fingerprint import fingerprint
from mnemon.kv.reuse.keeping import keep
from mnemon.kv.reuse.keys import following, root
from mnemon.kv.tiers.blob import Blob

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor
    from transformers import PreTrainedModel

    from mnemon.kv.reuse.keeping import Shelf
    from mnemon.kv.reuse.ledger import Ledger, Sources

Embed = Callable[[list[str]], "NDArray[np.float32]"]
"""Texts to rows `[N, D]`; nearer in meaning is a larger cosine."""

FORM = "kv-explicit"


@dataclass(frozen=True)
class Reference:
    """One reference's memory.

    Attributes:
        key: of its blob. vector: embedding of its text, unit, float32 `[D]`.
        tokens: how many it has. sources: (cube id, version) of its text, and of no other.
        seconds: what writing it took.
    """

    key: str
    memory: Explicit
    vector: NDArray[np.float32]
    tokens: int
    sources: Sources = ()
    seconds: float = 0.0


@dataclass(frozen=True)
class Library:
    """References of one model, and how they were written.

    A reference is written alone: that one is forgotten leaves the others as they are.
    """

    model: PreTrainedModel
    tokenizer: Any
    embed: Embed
    method: Memory3
    references: tuple[Reference, ...] = field(repr=False)

    @classmethod
    def write(
        cls, model: PreTrainedModel, tokenizer: Any, texts: Sequence[str], *, embed: Embed,
        method: Memory3 | None = None, sources: Sequence[Sources] = (), salt: str = "",
    ) -> Library:  # fmt: skip
        """Cut texts into references, and write each.

        Args:
            sources: of each text; none by default. salt: whose they are, part of the keys.

        Raises:
            InvalidInput: an empty text, sources for another number of texts, or a model with
                layers that are not of full attention.
        """
        if sources and len(sources) != len(texts):
            raise InvalidInput(f"{len(sources)} lists of sources for {len(texts)} texts")
        method = method or Memory3()
        parent = root(fingerprint(model, tokenizer), salt, f"{FORM} {asdict(method)}")
        made = []
        for number, text in enumerate(texts):
            for ids in _cut(tokenizer, text, method.longest):
                said = tokenizer.decode(ids, skip_special_tokens=True)
                (vector,) = _unit(embed([said]))
                began = perf_counter()
                memory = method.write(model, ids)
                seconds = perf_counter() - began
                own = sources[number] if sources else ()
                key = following(parent, ids)
                made.append(Reference(key, memory, vector, len(ids), own, seconds))
        return cls(model, tokenizer, embed, method, tuple(made))

    @property
    def nbytes(self) -> int:
        """Bytes of all memories; embeddings, which any index of the texts has, apart."""
        return sum(one.memory.nbytes for one in self.references)

    def nearest(self, text: str) -> list[int]:
        """Numbers of the `method.retrieved` references nearest to a text, nearest first."""
        if not self.references:
            return []
        (asked,) = _unit(self.embed([text]))
        near = np.stack([one.vector for one in self.references]) @ asked
        order: list[int] = np.argsort(-near, kind="stable")[: self.method.retrieved].tolist()
        return order

    def recall(self, cache: KVCache, text: str) -> list[int]:
        """Have the cache attend to the references nearest to a text, and no longer to others.

        Nothing is computed by the model. The cache must be one that compresses nothing, and the
        text's positions begin at `method.longest`.

        Returns:
            their numbers.
        """
        numbers = self.nearest(text)
        like = next(self.model.parameters())
        read = [self.references[number].memory for number in numbers]
        made = stores(read, len(cache.compressed), like)
        for layer, own in zip(cache.compressed, made, strict=True):
            layer.stores = own
        return numbers

    def logits(self, ids: Sequence[int]) -> Tensor:
        """Logits `[T, V]` of a text that is read with its memories, `method.every` at a time."""
        cache, seen = KVCache(self.model, "recency", 1.0), list[int]()
        return torch.cat([self._step(cache, seen, piece) for piece in self._pieces(ids)])

    def generate(self, ids: Sequence[int], count: int, *, stop: int | None = None) -> list[int]:
        """The `count` likeliest tokens after a text, one by one, or up to `stop`.

        Each `method.every` tokens the references are chosen anew, by the newest of the text.
        """
        cache, seen, made = KVCache(self.model, "recency", 1.0), list[int](), list[int]()
        for piece in self._pieces(ids):
            logits = self._step(cache, seen, piece)
        while len(made) < count and (not made or made[-1] != stop):
            made.append(int(logits[-1].argmax()))
            if len(made) < count and made[-1] != stop:
                logits = self._step(cache, seen, made[-1:])
        return made

    def _pieces(self, ids: Sequence[int]) -> Iterator[Sequence[int]]:
        if not len(ids):
            raise InvalidInput("no tokens: a text has one or more")
        for begin in range(0, len(ids), self.method.every):
            yield ids[begin : begin + self.method.every]

    def _step(self, cache: KVCache, seen: list[int], piece: Sequence[int]) -> Tensor:
        """A pass over tokens that all have the same memories; adds them to those seen."""
        every = self.method.every
        if len(seen) % every == 0:
            newest = piece if len(piece) > 1 or not seen else seen[-every:]
            self.recall(cache, self.tokenizer.decode(newest, skip_special_tokens=True))
        begin = self.method.longest + len(seen)
        device = self.model.device
        places = torch.arange(begin, begin + len(piece), device=device)[None]
        with torch.inference_mode():
            given = torch.tensor([list(piece)], device=device)
            logits = seam.forward(self.model, given, cache, position_ids=places)
        seen.extend(piece)
        return logits[0]

    def without(self, keys: set[str]) -> Library:
        """The library without the references of those keys."""
        left = tuple(one for one in self.references if one.key not in keys)
        return replace(self, references=left)

    def fresh(self, ledger: Ledger) -> Library:
        """The library without the references whose sources changed or were forgotten."""
        known = ledger.fresh([one.key for one in self.references])
        return self.without({one.key for one in self.references} - known)

    def keep(self, shelf: Shelf, ledger: Ledger) -> None:
        """Put each reference away with its sources: forgetting a cube then deletes its references.

        Raises:
            StaleArtifact: a source changed meanwhile; that reference and those behind it are not
                kept.
        """
        for one, blob in zip(self.references, self.blobs(), strict=True):
            keep(blob, shelf, ledger, one.sources, seconds=one.seconds)

    def blobs(self) -> list[Blob]:
        """Each reference as a blob, as `load` reads them."""
        told = {
            "form": FORM,
            "method": asdict(self.method),
            "model": fingerprint(self.model).digest,
        }
        return [_blob(one, told) for one in self.references]

    @classmethod
    def load(
        cls, model: PreTrainedModel, tokenizer: Any, blobs: Sequence[Blob], *, embed: Embed
    ) -> Library:
        """The library of some blobs.

        Raises:
            InvalidInput: no blobs, blobs of something else, of another model, or written otherwise
                than each other.
        """
        headers = [one.header for one in blobs]
        if not blobs or any(one.get("form") != FORM for one in headers):
            raise InvalidInput(f"explicit memories are loaded from blobs of form {FORM}")
        if any(one["model"] != fingerprint(model).digest for one in headers):
            raise InvalidInput("these memories were written by other weights: write them anew")
        if any(one["method"] != headers[0]["method"] for one in headers):
            raise InvalidInput(
                "these memories were written with different options: load them apart"
            )
        method = Memory3(**headers[0]["method"])
        return cls(model, tokenizer, embed, method, tuple(map(_reference, blobs)))


def _cut(tokenizer: Any, text: str, longest: int) -> list[list[int]]:
    """Token ids of the references of a text, each after the token that begins a text."""
    ids: list[int] = tokenizer(text, add_special_tokens=False).input_ids
    begin = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    step = longest - len(begin)
    if not ids or step < 1:
        raise InvalidInput(
            f"a reference of {longest} tokens at most, of {text!r}: there is no token"
        )
    return [[*begin, *ids[cut : cut + step]] for cut in range(0, len(ids), step)]


def _unit(rows: Any) -> NDArray[np.float32]:
    found = np.asarray(rows, dtype=np.float32)
    return found / np.linalg.norm(found, axis=-1, keepdims=True).clip(min=1e-12)


def _blob(one: Reference, told: dict[str, Any]) -> Blob:
    memory = one.memory
    header = {
        **told,
        "tokens": one.tokens,
        "seconds": one.seconds,
        "sources": [list(source) for source in one.sources],
        "layers": list(memory.layers),
        "heads": memory.heads,
        "bits": memory.bits,
    }
    return Blob(one.key, header, {**memory.tensors(), "vector": torch.from_numpy(one.vector)})


def _reference(blob: Blob) -> Reference:
    told = blob.header
    memory = Explicit.of(blob.tensors, told["layers"], told["heads"], told["bits"])
    sources = tuple((str(cube), int(version)) for cube, version in told["sources"])
    return Reference(
        blob.key, memory, blob.tensors["vector"].numpy(), told["tokens"], sources, told["seconds"]
    )
