"""Layouts: what an architecture calls its weights, and where it begins to count.

A model's `config.json` says which it is (`model_type`).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Layout:
    """Names within a layer, `encoder.layer.0.`, but for what all have in common.

    Attributes:
        asks: query, key and value.
        told, told_norm: what follows attention.
        ends: the pieces before and behind a text.
        first: the place of the first piece in the table of places.
        kinds, distances: names of tables that only some have.
    """

    asks: tuple[str, str, str]
    told: str
    told_norm: str
    ends: tuple[str, str]
    first: int = 0
    kinds: str | None = None
    distances: str | None = None


LAYOUTS = {
    "bert": Layout(
        ("attention.self.query", "attention.self.key", "attention.self.value"),
        "attention.output.dense",
        "attention.output.LayerNorm",
        ("[CLS]", "[SEP]"),
        kinds="embeddings.token_type_embeddings.weight",
    ),
    "mpnet": Layout(
        ("attention.attn.q", "attention.attn.k", "attention.attn.v"),
        "attention.attn.o",
        "attention.LayerNorm",
        ("<s>", "</s>"),
        first=2,
        distances="encoder.relative_attention_bias.weight",
    ),
}
