"""Chunks of recalled cubes: found where `Memory.compile` put them, and compiled when used often."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mnemon.errors import InvalidInput
from mnemon.kv.reuse.chunk import chunk_key
from mnemon.kv.reuse.fingerprint import fingerprint
from mnemon.kv.reuse.keys import root
from mnemon.kv.reuse.packing import block_of
from mnemon.models.local.wording import Segment, Source, mark

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from mnemon.compiling import MemoryLedger
    from mnemon.cube import MemCube
    from mnemon.kv.reuse.block import Block
    from mnemon.kv.tiers import Tiers

_log = logging.getLogger(__name__)
OFTEN = 2
"""A cube that was put into so many prompts is compiled."""


class Chunks:
    """Keys and values of single cubes' texts, for one model."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: Any,
        tiers: Tiers,
        ledger: MemoryLedger,
        head: Sequence[int],
    ) -> None:
        """Nothing is read yet.

        Args:
            head: the tokens behind which each text was computed.
        """
        self.tiers, self.head = tiers, tuple(head)
        self._model, self._tokenizer, self._ledger = model, tokenizer, ledger
        self._used: Counter[Source] = Counter()
        self._lock = threading.Lock()

    def found(self, segments: Sequence[Segment]) -> dict[tuple[int, ...], Block]:
        """The chunks of those recalled segments that have one which may be used, by tokens."""
        keys = self.keys(segments)
        fresh = self._ledger.fresh([*keys.values()]) if keys else set()
        self.tiers.prefetch(sorted(fresh))
        read = {tokens: self._read(key, tokens) for tokens, key in keys.items() if key in fresh}
        return {tokens: block for tokens, block in read.items() if block is not None}

    def keys(self, segments: Sequence[Segment]) -> dict[tuple[int, ...], str]:
        """Keys of the chunks that recalled segments would have, by tokens."""
        start = root(fingerprint(self._model, self._tokenizer), self._ledger.salt)
        return {
            one.tokens: chunk_key(start, one.tokens, self.head)
            for one in segments
            if one.recalled is not None and one.tokens
        }

    def often(self, cubes: Sequence[MemCube]) -> list[MemCube]:
        """Count that cubes were put into a prompt: those that now were often enough, once."""
        with self._lock:
            self._used.update(mark(cube) for cube in cubes)
            return [cube for cube in cubes if self._used[mark(cube)] == OFTEN]

    def _read(self, key: str, tokens: tuple[int, ...]) -> Block | None:
        blob = self.tiers.get(key)
        if blob is None:  # damaged, or slower to load than to compute: the tiers counted it
            return None
        try:
            block = block_of(blob)
        except InvalidInput:
            block = None
        if block is None or tuple(block.tokens.tolist()) != tokens:
            _log.warning("chunk %s is not of the text it should be: it is computed", key[:16])
            self.tiers.delete([key])
            return None
        return block.to(self._model.device)
