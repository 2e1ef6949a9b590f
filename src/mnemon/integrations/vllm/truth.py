"""Who knows whether what is kept may still be used: the ledger of a memory, if one is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnemon.compiling import MemoryLedger
from mnemon.integrations.vllm.options import Options
from mnemon.memory import Memory

if TYPE_CHECKING:
    from mnemon.kv.tiers import Tiers


def ledger(options: Options, tiers: Tiers) -> MemoryLedger | None:
    """The ledger of the store that the options name, over these tiers; None if they name none."""
    if options.memory is None:
        return None
    memory = Memory(options.memory, namespace=options.namespace)
    return MemoryLedger(memory, salt=options.salt, tiers=tiers)


def salt(options: Options) -> str:
    """Whose blocks they are: as told, else the namespace's tenant, if there is a memory."""
    if options.salt is not None:
        return options.salt
    return "" if options.memory is None else options.namespace.partition("/")[0]
