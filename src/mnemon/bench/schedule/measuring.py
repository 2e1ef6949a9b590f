"""What keys and values of the bundled recall model cost on this machine, measured."""

from __future__ import annotations

from mnemon.bench.provenance import machine
from mnemon.models import recall_lm
from mnemon.schedule import measuring
from mnemon.schedule.costs import Costs


def measured(nano: bool = False) -> Costs:
    """Costs of the recall model (or its small sibling) here; takes some seconds.

    Raises:
        MissingExtra: torch or transformers is not installed.
    """
    told = machine()
    where = f"{told['cpu']}, {told['cores']} cores, float32"
    return measuring.measured(recall_lm.load(nano=nano).model, where)
