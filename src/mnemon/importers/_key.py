"""Keys for entries that have no id of their own."""

from __future__ import annotations

import hashlib
import json
from collections import Counter


def digest(*parts: object) -> str:
    """A short hash of some texts, the same on every machine; lone surrogates are fine."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


class Occurrences:
    """Keys from content: the same entry a second time gets another key, in the order read.

    A grown export keeps the old keys, because counting starts from the same beginning.
    """

    def __init__(self, format: str) -> None:
        self._format = format
        self._seen: Counter[str] = Counter()

    def key(self, *parts: object) -> str:
        """The key of the next entry with these parts."""
        known = digest(*parts)
        self._seen[known] += 1
        return f"{self._format}:{known}:{self._seen[known]}"
