"""Turns: what a request holds of a conversation, whichever dialect it is written in."""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mnemon import analysis
from mnemon.intake import MAX_CHARACTERS
from mnemon.server.fence import unfenced

_SHORT = 4  # telling words; a turn with fewer ("and hers?") needs the one before it
_HALF = 1000  # characters of a long turn's beginning and end: a question stands at one of them


@dataclass(frozen=True, slots=True)
class Turn:
    """One thing said, or done by a tool. `text` is as it would be stored, "" for none; `mark` tells
    it from all others."""

    role: str
    text: str
    mark: str
    speaker: str | None = None
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Position:
    """Where a turn stands. It is `certain` to be in one conversation only after something that was
    not the user's own: two may begin with the same words."""

    digest: str
    certain: bool


@dataclass(frozen=True, slots=True)
class Conversation:
    """The turns that a request holds, oldest first, without instructions.

    `before` names what the upstream knows and the request does not hold; `sure` says that `before`
    is one position in it, which nothing else can be.
    """

    turns: tuple[Turn, ...] = ()
    before: str = ""
    sure: bool = False

    def query(self) -> str:
        """What to recall for: the last thing the user said; the one before too if it is short."""
        said = [turn.text for turn in self.turns if turn.role == "user" and turn.text]
        if not said:
            return ""
        short = len(analysis.query_terms(_shortened(said[-1]))) < _SHORT
        return "\n".join(map(_shortened, said[-2:] if short else said[-1:]))

    def fresh(self) -> list[tuple[Position, Turn]]:
        """What the user said since the assistant last said or did anything, and where."""
        said = itertools.takewhile(
            lambda one: one[1].role == "user",
            zip(reversed(self.positions()), reversed(self.turns), strict=True),
        )
        return [*said][::-1]

    def positions(self) -> list[Position]:
        """A position for each turn: a digest of it and of all before it."""
        found: list[Position] = []
        so_far, certain = self.before, self.sure
        for turn in self.turns:
            so_far = digest(so_far, turn.role, turn.mark)
            found.append(Position(so_far, certain))
            certain = certain or turn.role != "user"
        return found

    def end(self) -> Position:
        """The position of what is answered."""
        positions = self.positions()
        last = positions[-1].digest if positions else self.before
        certain = self.sure or any(turn.role != "user" for turn in self.turns)
        return Position(digest(last, "answer"), certain)

    def beginning(self) -> str:
        """A digest of how it began, the same for all its requests."""
        if self.before:
            return digest(self.before)
        return next((digest(turn.mark) for turn in self.turns if turn.role == "user"), "")

    def texts(self) -> set[str]:
        """All that the request itself tells."""
        return {piece for turn in self.turns for piece in pieces(turn.text)}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the upstream answered, when it came to its end."""

    text: str
    id: str | None = None
    model: str | None = None
    tools: tuple[str, ...] = ()


def clean(text: str) -> str:
    """A text as a store can hold it, without what came out of memory."""
    whole = text.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass")
    return unfenced(whole.decode("utf-16", "replace")).strip()


def pieces(text: str) -> list[str]:
    """A text in pieces that a cube can hold: one, but for the very long."""
    found = []
    while len(text) > MAX_CHARACTERS:
        cut = text.rfind("\n", 1, MAX_CHARACTERS) + 1 or MAX_CHARACTERS
        found.append(text[:cut].strip())
        text = text[cut:]
    return [piece for piece in (*found, text.strip()) if piece]


def joined(content: Any) -> str:
    """The text of a message's content: a string, or parts of which some have text."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str))


def attached(content: Any) -> tuple[str, ...]:
    """Types of the parts that are no text: images, audio, files."""
    parts = content if isinstance(content, list) else []
    types = [str(part.get("type")) for part in parts if isinstance(part, Mapping)]
    return tuple(type for type in types if not type.endswith("text"))


def mark(*what: Any) -> str:
    """A digest of JSON."""
    return digest(json.dumps(what, sort_keys=True))


def digest(*parts: str) -> str:
    """A digest of texts, each told from the next."""
    told = b"\0".join(part.encode("utf-8", "surrogatepass") for part in parts)
    return hashlib.sha256(told).hexdigest()


def _shortened(text: str) -> str:
    if len(text) <= 2 * _HALF:
        return text
    return f"{text[:_HALF]}\n{text[-_HALF:]}"


def stated(value: Any) -> str | None:
    """A name or an id, as a store can hold it; None for what is none."""
    return clean(value) or None if isinstance(value, str) else None


def mapping(value: Any) -> Mapping[str, Any]:
    """A JSON object, an empty one for anything else."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: Any) -> Sequence[Any]:
    """A JSON array, an empty one for anything else."""
    return value if isinstance(value, list) else ()
