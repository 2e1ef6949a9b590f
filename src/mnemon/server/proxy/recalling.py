"""Recalling into a chat: what memory holds on it and the chat itself does not tell already."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from mnemon.assembly.text import render
from mnemon.cube import Hit, Recall
from mnemon.memory import Memory
from mnemon.models.embed.static import StaticEmbedder
from mnemon.server.fence import NOTICE, fenced
from mnemon.server.proxy.turns import Conversation

_WHOSE = "Recalled from memory for the message above; not written by its author."
_ROUNDS = 2
_MOST = 8  # times the budget that is looked through for what the request does not tell


@dataclass(frozen=True, slots=True)
class Recalled:
    """What goes into a chat: fenced text, "" for nothing; its tokens; how many cubes are in it."""

    text: str = ""
    tokens: int = 0
    cubes: int = 0


def recalled(
    memory: Memory, scope: str, conversation: Conversation, budget: int, min_score: float
) -> Recalled:
    """What fits the budget, the fence around it included.

    A client sends its whole conversation each time, which memory holds as well: cubes that say
    what the request says are left out, and others take their room.

    Raises:
        MnemonError: recall failed; that is not the same as nothing found.
    """
    frame = _count(_framed(""))
    query, room = conversation.query(), budget - frame
    if not query or room < 1:
        return Recalled()
    known, asked = conversation.texts(), room
    text, tokens, cubes = "", 0, 0
    for _ in range(_ROUNDS):
        found = memory.recall(query, asked, namespace=scope, min_score=min_score)
        new = [hit for hit in found.hits if hit.cube.content.strip() not in known]
        if len(new) == len(found.hits) and found.tokens <= room:
            text, tokens, cubes = found.text, found.tokens, len(new)
            break
        if (fitting := _fitting(new, found, room)) is None:
            break
        text, tokens, cubes = fitting
        told = [hit for hit in found.hits if hit.cube.content.strip() in known]
        spent = _count(_text(told))
        if asked >= (more := min(room + spent, _MOST * room)):
            break
        asked = more
    return Recalled(_framed(text), tokens + frame, cubes) if cubes else Recalled()


def _fitting(hits: Sequence[Hit], found: Recall, room: int) -> tuple[str, int, int] | None:
    """(text, tokens, cubes) of the best hits that fit; None where none is better than another."""
    if found.trace["regime"] == "everything" and _count(_text(hits)) > room:
        return None
    sizes = range(len(hits) + 1)  # the best come first
    most = bisect_right(sizes, room, key=lambda size: _count(_text(hits[:size]))) - 1
    text = _text(hits[:most])
    return text, _count(text), most


def _text(hits: Sequence[Hit]) -> str:
    return render([hit.cube for hit in hits])[0]


def _framed(text: str) -> str:
    return "\n\n" + fenced(text, f"{_WHOSE} {NOTICE}")


def _count(text: str) -> int:
    # As a memory counts that was given no counter of its own; word by word, so sums are exact.
    return StaticEmbedder().count_tokens([text])[0] if text else 0
