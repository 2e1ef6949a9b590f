"""Decision: one move as a value, with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

Action = Literal["compile", "promote", "demote", "drop", "consolidate", "expire", "re-embed"]
Form = Literal["text", "embedding", "kv", "adapter"]
Of = TypeVar("Of", int, str)
"""Which cube: a number in a trace, or an id."""


@dataclass(frozen=True, slots=True)
class Decision(Generic[Of]):
    """What to do with one form of a cube, and why.

    Attributes:
        action: `compile` to keys and values, ahead; `promote` and `demote` to a faster and a slower
            tier; `drop` what is compiled; `consolidate` into weights; `expire` (retire) the text;
            `re-embed` what has no vector in the space that is searched.
        cube: its number in the trace, or its id: the first one's, if a compiled form has several;
            "" for all that lack a vector.
        saves: seconds of waiting that are expected to be saved by it, below 0 to be lost; 0 if it
            is not known.
        costs: background seconds.
        form: what is made, moved or dropped.
        bytes: of it. tokens: that prompts are expected to be shorter by.
        key: of the artifact, if there is one. to: the tier that it comes to.
    """

    action: Action
    cube: Of
    reason: str
    saves: float = 0.0
    costs: float = 0.0
    form: Form = "kv"
    bytes: int = 0
    tokens: float = 0.0
    key: str = ""
    to: str = ""
