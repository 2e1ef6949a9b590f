"""The composition that the bench found best at a budget, for this kind of model.

docs/measurements/kv.md has the table that it follows. Only question-agnostic compositions are
considered: what they keep serves any later question, and may be stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnemon.kv.policy import Policy
from mnemon.kv.profile import HeadProfile, find

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from mnemon.kv.budget import Budget

# (least fraction of the full cache, policy), best first: with a head profile, and without.
_PROFILED = (
    (0.55, "graded(high=8, low=8)"),
    (0.34, "graded(high=8, low=4, share=0.1)"),
    (0.22, "graded(share=0.3)"),
    (0.0, "tangram + graded(share=0.3)"),
)
_PLAIN = (
    (0.55, "kivi(bits=8)"),
    (0.33, "kivi(bits=4)"),
    (0.26, "kivi(bits=4, value_bits=2)"),
    (0.0, "compactor + kivi(bits=2)"),
)


def best(budget: Budget, model: PreTrainedModel, profile: HeadProfile | None = None) -> Policy:
    """The policy for a model whose heads were measured (`measure_heads`), or for any other.

    A budget in tokens or bytes says nothing of the text's length: it gets the composition for
    small budgets, which does no worse when there is room.
    """
    table = _PLAIN if (profile or find(model)) is None else _PROFILED
    fraction = budget.amount if budget.unit == "fraction" else 0.0
    return Policy.of(next(policy for least, policy in table if fraction >= least))
