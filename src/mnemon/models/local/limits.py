"""Limits: how much a model can read, and what ends its answers."""

from __future__ import annotations

from typing import Any

from mnemon.errors import InvalidInput
from mnemon.models.template import Template, special

_UNKNOWN = 2048  # tokens, of a model that does not say


def context_of(model: Any, wanted: int | None = None) -> int:
    """Tokens of the window: what is wanted, or all that the model was trained for.

    Raises:
        InvalidInput: more than that is wanted, or none.
    """
    config = model.config.get_text_config(decoder=True)
    most = getattr(config, "max_position_embeddings", None)
    if wanted is None:
        return int(most or _UNKNOWN)
    if wanted < 1 or (most and wanted > most):
        raise InvalidInput(f"context={wanted}: the model reads 1 to {most} tokens")
    return wanted


def stops_of(model: Any, tokenizer: Any, template: Template) -> frozenset[int]:
    """Tokens that end an answer: the model's own, and the one its template ends a turn with."""
    found: set[int] = set()
    for told in (tokenizer.eos_token_id, getattr(model.generation_config, "eos_token_id", None)):
        found.update([told] if isinstance(told, int) else told or [])
    between = tokenizer(template.between.lstrip(), add_special_tokens=False)["input_ids"][:1]
    return frozenset(found | (special(tokenizer) & set(between)))
