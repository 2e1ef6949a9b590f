"""Shared: what all conversations over one model and memory use together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mnemon.client import RemoteMemory
from mnemon.errors import InvalidInput
from mnemon.kv.reuse.prefix import PrefixCache
from mnemon.kv.reuse.seeding import check_reusable
from mnemon.memory import Memory
from mnemon.models.local.prepare.blend import Blend
from mnemon.models.local.prepare.chunks import Chunks
from mnemon.models.local.prepare.prefix import Prefix
from mnemon.models.local.prepare.recompute import Recompute

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from mnemon.compiling import MemoryLedger
    from mnemon.kv.budget import Budget
    from mnemon.kv.policy import Policy
    from mnemon.kv.tiers import Tiers
    from mnemon.models.local.prepare import Preparation

REUSES = ("prefix", "blend", "none")


class Shared:
    """Kept keys and values, where they lie, and who says whether they may be used.

    Attributes:
        reuse: one of `REUSES`. prefixes: kept blocks; None if nothing is reused. chunks: of cubes,
            to be blended; None if nothing is.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: Any,
        memory: Memory,
        reuse: str | None,
        tiers: Tiers | None,
        opening: Sequence[int],
        method: str,
    ) -> None:
        if reuse is None:
            reuse = "prefix" if _reusable(model) else "none"
        if reuse not in REUSES:
            raise InvalidInput(f"reuse={reuse!r}: it is one of {', '.join(REUSES)}")
        if reuse == "none" and tiers is not None:
            raise InvalidInput("tiers= keep what is reused: leave them out with reuse='none'")
        self._own = _own_tiers() if reuse == "blend" and tiers is None else None
        tiers = tiers or self._own
        self.model, self.reuse, self.tiers, self._method = model, reuse, tiers, method
        # What lies in this process only is found by its tokens, which are read from memory at every
        # turn; what outlives it has to be known to the store, which forgets it.
        self.ledger = None if tiers is None else _ledger(memory, tiers)
        salt = memory.namespace.partition("/")[0]
        self.prefixes = None
        if reuse != "none":
            self.prefixes = PrefixCache(
                model, tokenizer, tiers=tiers, ledger=self.ledger,
                salt=salt if self.ledger is None else self.ledger.salt,
            )  # fmt: skip
        self.chunks = None
        if reuse == "blend":
            assert tiers is not None and self.ledger is not None
            self.chunks = Chunks(model, tokenizer, tiers, self.ledger, opening)

    def way(self, policy: Policy | str, budget: Budget | float | int | str) -> Preparation:
        """A conversation's way to make its prompts ready."""
        if self.prefixes is None:
            return Recompute(self.model, policy, budget)
        if self.chunks is None:
            return Prefix(self.prefixes, policy, budget)
        if budget != 1.0:
            raise InvalidInput("reuse='blend' needs the full cache: leave kv_budget= at 1.0")
        return Blend(self.prefixes, self.chunks, self._method)

    def close(self) -> None:
        """Close the tiers that were made here."""
        if self._own is not None:
            self._own.close()


def _own_tiers() -> Tiers:
    from mnemon.kv.tiers import Tiers

    return Tiers()


def _reusable(model: PreTrainedModel) -> bool:
    try:
        check_reusable(model)
    except InvalidInput:
        return False
    return True


def _ledger(memory: Memory, tiers: Tiers) -> MemoryLedger:
    from mnemon.compiling import MemoryLedger

    if isinstance(memory, RemoteMemory):
        raise InvalidInput(
            "tiers= need the store itself, which then deletes what is forgotten from them, and this"
            f" memory is at {memory.path}: leave them out, or open the store beside the model"
        )
    return MemoryLedger(memory, tiers=tiers)
