"""Which shard a question is for, by digests of subjects: they say nothing to who cannot guess."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Iterator

_WORD = re.compile(r"[\w'’-]+")
_MOST = 6


def digest(subject: str, salt: str) -> str:
    """Of a subject, however it is written (case and marks), in a namespace: 32 hex digits."""
    return _digest(_words(subject), salt)


def named(text: str, known: Container[str], salt: str) -> str | None:
    """The digest of the longest known subject (six words at most) that a text names, or None."""
    words = _words(text)
    return next((one for run in _runs(words) if (one := _digest(run, salt)) in known), None)


def runs(text: str, salt: str) -> list[str]:
    """Digests of all that a text may name, runs of six words at most, the longest first."""
    return list(dict.fromkeys(_digest(run, salt) for run in _runs(_words(text))))


def _runs(words: list[str]) -> Iterator[list[str]]:
    for size in range(min(_MOST, len(words)), 0, -1):
        for start in range(len(words) - size + 1):
            yield words[start : start + size]


def _words(text: str) -> list[str]:
    return [word.strip("'’-") for word in _WORD.findall(text.casefold().replace("'s", " "))]


def _digest(words: list[str], salt: str) -> str:
    told = f"{salt}\0{' '.join(words)}"
    return hashlib.sha256(told.encode()).hexdigest()[:32]
