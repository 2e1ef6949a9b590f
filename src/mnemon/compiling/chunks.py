"""Chunks: each cube's text computed alone by a model, to be used wherever it is recalled."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any

from mnemon.compiling.ledger import MemoryLedger
from mnemon.cube import MemCube
from mnemon.errors import StaleArtifact
from mnemon.kv.reuse.chunk import chunk_key, chunks
from mnemon.kv.reuse.fingerprint import fingerprint
from mnemon.kv.reuse.keys import root
from mnemon.kv.reuse.low_bit import coded, form_of
from mnemon.kv.reuse.packing import blob_of
from mnemon.kv.reuse.seeding import check_reusable
from mnemon.models.local.limits import context_of
from mnemon.models.local.rendering import Render, rendering, tokens_of

if TYPE_CHECKING:
    from mnemon.kv.policy import Policy
    from mnemon.kv.tiers import Tiers
    from mnemon.kv.tiers.blob import Blob
    from mnemon.kv.tiers.cold import Cold

FORM = "kv-chunk"
METHOD = "kv.chunk@1"
_TOGETHER = 4096
"""Tokens that are computed in one pass, of texts of one length."""


@dataclass(frozen=True)
class Text:
    """One text: its key, its tokens, and the cubes whose versions say it."""

    key: str
    tokens: list[int]
    cubes: list[MemCube] = field(default_factory=list)

    @property
    def sources(self) -> list[tuple[str, int]]:
        """(cube id, version) of each."""
        return [(cube.id, cube.version) for cube in self.cubes]


@dataclass
class Tally:
    """What was done so far: cubes compiled, and found compiled; those skipped, and why."""

    compiled: int = 0
    fresh: int = 0
    tokens: int = 0
    bytes: int = 0
    computing: float = 0.0
    skipped: list[tuple[str, str]] = field(default_factory=list)

    @property
    def done(self) -> int:
        """Cubes."""
        return self.compiled + self.fresh + len(self.skipped)


class Keyed:
    """Cubes as the texts that one model would compute, with the keys that they would get."""

    def __init__(
        self, model: Any, tokenizer: Any, salt: str, told: str, head: Sequence[int],
        render: Render | None = None,
    ) -> None:  # fmt: skip
        """As `Chunks`; `told` is the form that is in the keys, "" for an exact one."""
        check_reusable(model)
        self._tokenizer, self._head = tokenizer, list(head)
        self._root = root(fingerprint(model, tokenizer), salt, told)
        self._render = render or rendering(tokenizer)
        self._window = context_of(model, None)

    def texts(
        self, cubes: Sequence[MemCube]
    ) -> tuple[list[Text], list[tuple[str, str]]]:  # fmt: skip
        """Their texts, each once; (id, why) of cubes that have none that can be computed."""
        found: dict[str, Text] = {}
        skipped: list[tuple[str, str]] = []
        for cube in cubes:
            tokens = tokens_of(self._tokenizer, self._render(cube))
            if not tokens:
                skipped.append((cube.id, "nothing to compile: its text has no tokens"))
            elif len(self._head) + len(tokens) > self._window:
                told = f"too long: {len(tokens)} tokens, and the model takes {self._window}"
                skipped.append((cube.id, told))
            else:
                key = chunk_key(self._root, tokens, self._head)
                found.setdefault(key, Text(key, tokens)).cubes.append(cube)
        return list(found.values()), skipped


class Chunks:
    """Makes chunks with one model, in one form, and keeps them in tiers."""

    def __init__(
        self, model: Any, tokenizer: Any, tiers: Tiers, ledger: MemoryLedger,
        policy: Policy | str | None, head: Sequence[int], render: Render | None = None,
    ) -> None:  # fmt: skip
        """Nothing is computed yet but the model's digest.

        Args:
            policy: a low-bit form; None: exact. head: tokens that every prompt begins with.
            render: how a cube stands in prompts; None: as suits the tokenizer.

        Raises:
            InvalidInput: a model that does not keep all tokens in all layers, or no such form.
        """
        check_reusable(model)
        self._model = model
        self._tiers, self._ledger, self._head = tiers, ledger, list(head)
        self._form: Cold | None = None
        self._policy: str | None = None
        told = ""
        if policy is not None:
            chosen, self._form = form_of(policy)
            self._policy, told = str(chosen), chosen.to_json()
        self._keyed = Keyed(model, tokenizer, ledger.salt, told, head, render)

    def compile(self, cubes: Sequence[MemCube], tally: Tally) -> Iterator[None]:
        """Compile what is not compiled; gives way after each pass. What is done stays done."""
        for batch in _batches(self._wanted(self._texts(cubes, tally), tally)):
            self._compile(batch, tally)
            yield

    def _texts(self, cubes: Sequence[MemCube], tally: Tally) -> list[Text]:
        found, skipped = self._keyed.texts(cubes)
        tally.skipped += skipped
        return found

    def _wanted(self, texts: Sequence[Text], tally: Tally) -> list[Text]:
        """Those that are not there or not fresh. Of the others it is noted who else says them."""
        known = self._ledger.known([one.key for one in texts])
        wanted = []
        for one in texts:
            row = known.get(one.key)
            if row is None or self._tiers.where(one.key) is None:
                wanted.append(one)
            elif set(row.sources).issuperset(one.sources) or self._recorded(
                one, json.loads(row.header), row.size, tally
            ):
                tally.fresh += len(one.cubes)
        return wanted

    def _compile(self, batch: Sequence[Text], tally: Tally) -> None:
        start = time.perf_counter()
        blocks = chunks(self._model, [one.tokens for one in batch], self._head)
        seconds = time.perf_counter() - start
        tally.computing += seconds
        header = {"form": FORM, "method": METHOD, "model": self._name(), "policy": self._policy}
        blobs = []
        for one, block in zip(batch, blocks, strict=True):
            blob: Blob = blob_of(block, one.key, **header)
            blobs.append(blob if self._form is None else coded(blob, self._form))
            self._tiers.put(blobs[-1], seconds=seconds / len(batch))
        self._tiers.flush()
        for one, blob in zip(batch, blobs, strict=True):
            if self._recorded(one, blob.header, blob.nbytes, tally):
                tally.compiled += len(one.cubes)
                tally.tokens += len(one.tokens)
                tally.bytes += blob.nbytes

    def _recorded(self, text: Text, header: Mapping[str, Any], size: int, tally: Tally) -> bool:
        try:
            self._ledger.record(
                text.key, form=FORM, parent=None, sources=text.sources, header=header, size=size
            )
        except StaleArtifact:
            self._tiers.delete([text.key])
            tally.skipped += [(cube.id, "it changed meanwhile") for cube in text.cubes]
            return False
        return True

    def _name(self) -> str:
        return str(getattr(self._model, "name_or_path", "") or type(self._model).__name__)


def _batches(texts: Sequence[Text]) -> Iterator[list[Text]]:
    by_length = sorted(texts, key=lambda one: len(one.tokens))
    for length, group in groupby(by_length, key=lambda one: len(one.tokens)):
        same, most = list(group), max(1, _TOGETHER // length)
        for start in range(0, len(same), most):
            yield same[start : start + most]
