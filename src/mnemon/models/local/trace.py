"""Trace: what one turn took, and what was recalled for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mnemon.cube import Hit
from mnemon.models.local.wording import Source


@dataclass(frozen=True, slots=True)
class Trace:
    """What one turn took.

    Attributes:
        prompt: tokens of the prompt: `reused` and `computed` ones together.
        reused: tokens whose keys and values were there, by place: `live` (the conversation's own),
            `memory`, `host`, `disk`, …, `chunk` (of recalled cubes, computed alone).
        computed: tokens that the model computed. recomputed: those of them whose cubes had a chunk.
        generated: tokens of the answer.
        seconds_to_first: from the call to the first token, recalling included.
        seconds: from the call to the end of the answer.
        turns: past turns in the prompt. dropped: older ones that had no room. left_out: those that
            were changed or forgotten, or made from what was.
        recalled: what was put in for this turn, best first, each with its reasons. stale: hits
            left out because they were derived from what is no longer so. there: hits that say what
            stands in the prompt already.
        sources: all cubes that stood in the prompt.
        difference: the largest difference of a logit from recomputation, where it was looked at.
        fell_back: it was too large, and the answer comes from recomputation.
        notes: what else happened to kept keys and values: `compiled`, `published`, …
        form: what answered: `weights` (an adapter was worn), `kv` (keys and values of what was
            recalled were there already) or `text`. why: the reason.
        adapter: key of the one that was worn. spared: tokens of the prompt that text would have
            taken: what was recalled, and the past turns.
    """

    prompt: int
    reused: Mapping[str, int]
    computed: int
    recomputed: int
    generated: int
    seconds_to_first: float
    seconds: float
    turns: int
    dropped: int
    left_out: int
    recalled: tuple[Hit, ...]
    stale: int
    there: int
    sources: tuple[Source, ...]
    difference: float | None = None
    fell_back: bool = False
    notes: Mapping[str, int] = field(default_factory=dict)
    form: str = "text"
    why: str = ""
    adapter: str | None = None
    spared: int = 0

    @property
    def tokens_per_second(self) -> float:
        """Tokens of the answer after the first, a second; 0 if there is but one."""
        after = self.seconds - self.seconds_to_first
        return (self.generated - 1) / after if self.generated > 1 and after > 0 else 0.0
