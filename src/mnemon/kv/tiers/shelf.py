"""What one tier holds, how much it may, and what has to leave first.

GreedyDual-Size-Frequency (Cherkasova, HP Labs 1998): the rank of an entry is the tier's clock at
its last use, plus uses times the seconds it saves a byte. The lowest rank leaves, and the clock
rises to it: so what is no longer used is overtaken by what is, however much it once saved.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

_UNKNOWN = float("nan")


@dataclass
class Entry:
    """One blob in a tier.

    Attributes:
        nbytes: what it takes here.
        seconds: what computing it takes; None: not known yet.
        uses: how often it was put or used.
        rank: the lowest leaves first. turn: when it got that rank; of equal ones the oldest leaves.
    """

    nbytes: int
    seconds: float | None
    uses: int = 1
    rank: float = _UNKNOWN
    turn: int = 0


class Shelf:
    """The entries of a tier. It moves no bytes, and is not safe for several threads.

    Attributes:
        budget: bytes it may hold; None: any number.
        entries: by key. nbytes: bytes of them all.
    """

    def __init__(self, budget: int | None) -> None:
        self.budget = budget
        self.entries: dict[str, Entry] = {}
        self.nbytes = 0
        self._clock = 0.0
        self._order: list[tuple[float, int, str]] = []
        self._turn = 0

    def __contains__(self, key: str) -> bool:
        return key in self.entries

    def add(self, key: str, nbytes: int, seconds: float | None, uses: int = 1) -> None:
        """Note that a blob is there now. Make room first: this refuses nothing."""
        self.drop(key)
        entry = Entry(nbytes, seconds, uses)
        self.entries[key] = entry
        self.nbytes += nbytes
        self._place(key, entry)

    def used(self, key: str) -> int:
        """Note that a blob was used; how often it has been."""
        entry = self.entries.get(key)
        if entry is None:
            return 0
        entry.uses += 1
        self._place(key, entry)
        return entry.uses

    def learned(self, key: str, seconds: float) -> None:
        """Note what computing a blob takes."""
        entry = self.entries.get(key)
        if entry is not None:
            entry.seconds = seconds
            self._place(key, entry)

    def drop(self, key: str) -> None:
        """Note that a blob is gone, for another reason than want of room."""
        entry = self.entries.pop(key, None)
        if entry is not None:
            self.nbytes -= entry.nbytes

    def evict(self, key: str) -> None:
        """Note that a blob had to leave: the clock rises to its rank."""
        entry = self.entries.get(key)
        if entry is not None:
            self._clock = max(self._clock, entry.rank)
            self.drop(key)

    def victims(self, nbytes: int, seconds: float, uses: int = 1) -> list[str] | None:
        """Those that must leave, lowest rank first, for a blob of `nbytes` to come in.

        Returns:
            None if it shall not: it is larger than the budget, or one that would have to leave
            saves more a byte.
        """
        if self.budget is None:
            return []
        if nbytes > self.budget:
            return None
        rank = self._clock + uses * seconds / max(1, nbytes)
        needed = self.nbytes + nbytes - self.budget
        found: list[tuple[float, int, str]] = []
        admitted = True
        while needed > 0:
            lowest = self._lowest()
            if lowest[0] > rank:
                admitted = False
                break
            found.append(heapq.heappop(self._order))
            needed -= self.entries[lowest[2]].nbytes
        for one in found:
            heapq.heappush(self._order, one)
        return [key for _, _, key in found] if admitted else None

    def unknown(self) -> list[str]:
        """Keys of which it is not known what they save."""
        return [key for key, entry in self.entries.items() if entry.seconds is None]

    def _place(self, key: str, entry: Entry) -> None:
        saved = self._mean() if entry.seconds is None else entry.seconds / max(1, entry.nbytes)
        entry.rank = self._clock + entry.uses * saved
        self._turn += 1
        entry.turn = self._turn
        heapq.heappush(self._order, (entry.rank, entry.turn, key))
        if len(self._order) > 64 + 4 * len(self.entries):  # mostly ranks of the past
            self._order = [one for one in self._order if self._is_now(one)]
            heapq.heapify(self._order)

    def _mean(self) -> float:
        known = [one for one in self.entries.values() if one.seconds is not None]
        held = sum(one.nbytes for one in known)
        return sum(one.seconds or 0.0 for one in known) / held if held else 0.0

    def _is_now(self, one: tuple[float, int, str]) -> bool:
        entry = self.entries.get(one[2])
        return entry is not None and entry.turn == one[1]

    def _lowest(self) -> tuple[float, int, str]:
        while not self._is_now(self._order[0]):
            heapq.heappop(self._order)
        return self._order[0]
