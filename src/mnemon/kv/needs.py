"""What a KV method may ask of the core besides keys and values."""

from __future__ import annotations

from enum import StrEnum


class Need(StrEnum):
    """Something special that a method declares in `needs`; the core supplies it or refuses."""

    QUERIES = "queries"
    """The queries of the newest tokens: the method's `window_size` of them."""
    ALL_QUERIES = "all-queries"
    """The queries of every token since the last compression (memory: as much as the keys)."""
    PRE_ROPE = "pre-rope"
    """Keys as they were before rotary embedding; refused for models without it."""
    POSITIONS = "positions"
    """The original position of each token."""
    HIDDEN = "hidden"
    """The input of the attention layer, for each token of this forward pass."""
    OUTPUT = "output"
    """The rows of the output projection, to weigh values by what they add to the residual."""
    SURPRISAL = "surprisal"
    """How unexpected each token was, `-log p(token | text before)`, from the model's own logits."""
    BEFORE = "before"
    """The scores that the method gave at the last compression to what was kept then."""
    ROUNDS = "rounds"
    """The round of a dialogue that each token belongs to."""
    STORES = "stores"
    """What the layer has stored before: later blocks keep the first one's channels and bases."""
    PROJECTION = "projection"
    """The layer's own map from its input to keys and values (`mnemon.kv.projection`)."""
    PROFILE = "profile"
    """A profile of the model's heads, measured once (`mnemon.kv.profile`)."""
