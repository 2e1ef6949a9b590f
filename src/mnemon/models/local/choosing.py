"""Choosing: which form answers a question, and why: weights, keys and values, or text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mnemon.models.local.adapters import Adapter
    from mnemon.models.local.prepare import Prepared
    from mnemon.models.local.prompt import Prompt
    from mnemon.models.local.recalling import Recalled

WEIGHTS, KV, TEXT = "weights", "kv", "text"
CHUNK = "chunk"


@dataclass(frozen=True, slots=True)
class Choice:
    """The adapter that is to answer (None: text or what was computed of it), and why or why not."""

    adapter: Adapter | None = None
    why: str = ""


def told_of(
    choice: Choice, prompt: Prompt, prepared: Prepared, recalled: Recalled
) -> tuple[str, str]:
    """(form, why) of a prompt that was made ready.

    `kv` if keys and values of any of what was recalled were there; where nothing was recalled anew,
    of what the prompt had of past turns.
    """
    if choice.adapter is not None:
        return WEIGHTS, choice.why
    new = {cube.id for cube in recalled.cubes}
    begins = [at for id, at in _texts(prompt) if not new or id in new]
    if not begins:
        return TEXT, _both(choice.why, "nothing was recalled")
    kept = dict(prepared.reused)
    chunks = kept.pop(CHUNK, 0)
    if chunks or any(at < sum(kept.values()) for at in begins):
        places = ", ".join(prepared.reused)
        return KV, _both(choice.why, f"keys and values of what was recalled were there ({places})")
    return TEXT, _both(choice.why, "no keys and values of what was recalled were there")


def _texts(prompt: Prompt) -> Iterator[tuple[str, int]]:
    """(cube, place of its first token) of the recalled texts in a prompt."""
    at = 0
    for one in prompt.segments:
        if one.recalled is not None:
            yield one.recalled.id, at
        at += len(one.tokens)


def _both(*reasons: str) -> str:
    return "; ".join(one for one in reasons if one)
