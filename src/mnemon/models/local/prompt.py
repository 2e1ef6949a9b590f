"""Prompt: head, then for each turn what was recalled for it, the question and the answer.

It only grows at its end: the keys and values of everything before the new question are those of
the turn before. When it outgrows the model's window its oldest turns leave, many at once, so that
it grows at its end again for as long as possible.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mnemon.errors import InvalidInput
from mnemon.models.local.history import Turn
from mnemon.models.local.wording import Segment, Source, Wording, count

_KEPT = 0.5  # of the room that turns have, after the oldest had to leave


@dataclass(frozen=True, slots=True)
class Prompt:
    """The segments of a prompt, in order, and how many of the oldest turns are not in it."""

    segments: tuple[Segment, ...]
    dropped: int = 0

    @property
    def tokens(self) -> list[int]:
        """All of its tokens."""
        return [token for one in self.segments for token in one.tokens]

    def cubes(self) -> tuple[Source, ...]:
        """All that stands in it, each once."""
        return tuple(dict.fromkeys(source for one in self.segments for source in one.sources))

    def sources(self, begin: int, end: int) -> tuple[Source, ...]:
        """What its tokens `begin … end` were made from."""
        found: dict[Source, None] = {}
        place = 0
        for one in self.segments:
            if place < end and place + len(one.tokens) > begin:
                found.update(dict.fromkeys(one.sources))
            place += len(one.tokens)
        return tuple(found)


def common(one: list[int], other: list[int]) -> list[int]:
    """The tokens with which both begin."""
    pairs = zip(one, other, strict=False)
    return one[: next((i for i, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))]


def laid(wording: Wording, turns: Sequence[Turn], asked: Sequence[Segment]) -> Prompt:
    """The prompt of some turns and, at its end, a new one up to where its answer begins."""
    parts = list(wording.head())
    for turn in turns:
        parts += [*told(wording, turn), *wording.between()]
    return Prompt((*parts, *asked))


def told(wording: Wording, turn: Turn) -> list[Segment]:
    """A turn that is past."""
    question, answer = turn.question, turn.answer
    asked = wording.asked(turn.recalled, question.content, (question.id, question.version))
    return [*asked, *wording.answered(answer.content, (answer.id, answer.version))]


def kept(wording: Wording, turns: Sequence[Turn], reserved: int, room: int) -> int:
    """How many of the oldest turns are not to stand in the prompt of the next one.

    Those that the newest turn's prompt went without stay out; if what is left does not fit, the
    oldest leave until half of the room is free.

    Args:
        reserved: tokens of the next turn, its answer included.
        room: tokens of the window.

    Raises:
        InvalidInput: the next turn does not fit even alone.
    """
    left = room - count(wording.head()) - reserved
    if left < 0:
        raise InvalidInput(
            f"the question, what was recalled for it and the answer take {reserved} tokens, and"
            f" the window has {room}: ask shorter, or lower budget= or max_new_tokens="
        )
    first = turns[-1].first if turns else ""
    start = next((i for i, turn in enumerate(turns) if turn.question.id >= first), len(turns))
    gap = count(wording.between())
    sizes = [count(told(wording, turn)) + gap for turn in turns]
    if sum(sizes[start:]) <= left:
        return start
    while start < len(turns) and sum(sizes[start:]) > left * _KEPT:
        start += 1
    return start
