"""Pieces: tokens as they are made → text as soon as it is certain.

A letter may be made of several tokens, and a text that ends the answer of several pieces: what
could still become either is held back. White space at both ends is left out. All pieces together
are the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

_PARTIAL = "\ufffd"
_CONTEXT = 6  # tokens before the new ones that are decoded with them: spaces depend on them


def pieces(tokens: Iterable[int], tokenizer: Any, stops: Sequence[str] = ()) -> Iterator[str]:
    """The text of tokens, in pieces; ends before the first of the texts `stops`."""
    held, begun = "", False
    for piece in _texts(tokens, tokenizer):
        held += piece.replace("\x00", _PARTIAL)  # which no store can hold
        if not begun:
            held = held.lstrip()
        ends = [at for stop in stops if (at := held.find(stop)) >= 0]
        if ends:
            held = held[: min(ends)]
            break
        ready = _certain(held, stops)
        if ready:
            yield held[:ready]
            held, begun = held[ready:], True
    if rest := held.rstrip():
        yield rest


def _texts(tokens: Iterable[int], tokenizer: Any) -> Iterator[str]:
    """The text that each token adds, once its letters are whole."""
    seen: list[int] = []
    shown = 0  # of the tokens seen, those whose text was given
    for token in tokens:
        seen.append(token)
        start = max(0, shown - _CONTEXT)
        before, now = _text(tokenizer, seen[start:shown]), _text(tokenizer, seen[start:])
        if not now.endswith(_PARTIAL) and len(now) > len(before):
            yield now[len(before) :]
            shown = len(seen)
    start = max(0, shown - _CONTEXT)
    before, now = _text(tokenizer, seen[start:shown]), _text(tokenizer, seen[start:])
    if rest := now[len(before) :]:
        yield rest


def _text(tokenizer: Any, tokens: Sequence[int]) -> str:
    given = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
    return str(tokenizer.decode(tokens, **given)) if tokens else ""


def _certain(text: str, stops: Sequence[str]) -> int:
    """Characters that are text of the answer, whatever follows."""
    ready = len(text)
    for stop in stops:
        for size in range(min(len(stop) - 1, len(text)), 0, -1):
            if text.endswith(stop[:size]):
                ready = min(ready, len(text) - size)
                break
    return len(text[:ready].rstrip())
