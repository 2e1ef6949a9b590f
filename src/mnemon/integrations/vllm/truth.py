"""Who knows whether what is kept may still be used: the ledger of a memory, if one is named."""

from __future__ import annotations

from mnemon.integrations.vllm.options import Options
from mnemon.kv.reuse.ledger import Ledger


def ledger(options: Options) -> Ledger | None:
    """The ledger of the store that the options name; None if they name none."""
    if options.memory is None:
        return None
    raise NotImplementedError
