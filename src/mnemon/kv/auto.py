"""The composition that the bench found best at a budget, for this kind of model.

docs/measurements/kv.md has the table that it follows from a half of the bytes down; above that, 8
bits are taken without a measurement. Only question-agnostic compositions are
considered: what they keep serves any later question, and may be stored.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mnemon.kv import seam
from mnemon.kv.policy import Policy
from mnemon.kv.profile import GENERIC, HeadProfile, find

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from mnemon.kv.budget import Budget

# (least fraction of the full cache, policy), best first: with a head profile, without, and for
# models that lack rotary embedding as well. A profile of random tokens serves to choose bits, and
# fails where heads are emptied by it.
_PROFILED = (
    (0.55, "graded(high=8, low=8, {group})"),
    (0.34, "graded(high=8, low=4, share=0.1, {group})"),
    (0.22, "graded(share=0.6, value_bits=2, {group})"),
    (0.0, "tangram + graded(share=0.6, value_bits=2, {group})"),
)
_PLAIN = (
    (0.57, "kivi(bits=8, {group})"),
    (0.33, "kivi(bits=4, {group})"),
    (0.26, "kivi(bits=4, value_bits=2, {group})"),
    (0.0, "leverage + kivi(bits=2, {group})"),
)
_UNROTATED = (*_PLAIN[:-1], (0.0, "keydiff + kivi(bits=2, {group})"))


def best(budget: Budget, model: PreTrainedModel, profile: HeadProfile | None = None) -> Policy:
    """The policy for a model whose heads were measured (`measure_heads`), or for any other.

    A budget in tokens or bytes says nothing of the text's length: it gets the composition for
    small budgets.
    """
    found = profile or find(model)
    plain = _UNROTATED if seam.rope(model, 0) is None else _PLAIN
    table = plain if found is None else _PROFILED
    if found is not None and found.measured == GENERIC:
        table = (*_PROFILED[:-1], plain[-1])
    fraction = budget.amount if budget.unit == "fraction" else 0.0
    policy = next(policy for least, policy in table if fraction >= least)
    return Policy.of(policy.format(group=f"group_size={_group(model)}"))


def _group(model: PreTrainedModel) -> int:
    """The largest usual group that divides the channels of a head."""
    config = seam.text_config(model)
    channels = getattr(config, "head_dim", None)
    channels = channels or config.hidden_size // config.num_attention_heads
    return next(size for size in (32, 16, 8, 4, 2, 1) if channels % size == 0)
