"""The slot `bench.recipes`: one file is one system to measure. This is what each offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol, runtime_checkable

from mnemon.bench.case import Turn


class System(Protocol):
    """A memory of one conversation that answers questions."""

    def rank(self, question: str, k: int) -> list[str]:
        """Ids of at most k turns, best first, none twice."""
        ...

    def within(self, question: str, tokens: int) -> list[str]:
        """Ids of the turns returned for a prompt of at most `tokens`, in any order, none twice.

        Tokens are word-pieces of the bundled tokenizer, summed over the returned lines.
        """
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


class Recipe(Protocol):
    """A system as data: its fields are its options. `needs` is (module, package, extra) or ()."""

    needs: ClassVar[tuple[str, ...]]

    def ingest(self, turns: Sequence[Turn]) -> System:
        """A fresh memory of one conversation's turns (in the order of time)."""
        ...


@runtime_checkable
class Learned(Protocol):
    """A recipe with something fitted on data: it can leave out what it has seen."""

    def unseen(self, case: str) -> Recipe:
        """The same system with nothing in it fitted on that conversation."""
        ...


@runtime_checkable
class Fetched(Protocol):
    """A recipe with a model that is fetched on first use: only where it was asked for by name."""

    model: str

    def at_hand(self) -> bool:
        """Whether the model is on this machine."""
        ...


@runtime_checkable
class Confident(Protocol):
    """A system that says how sure it is that it found something: what `min_score` would cut."""

    def confidence(self, question: str) -> float:
        """The score of its best hit, larger is surer; 0.0 when there is none."""
        ...


@runtime_checkable
class Probable(Protocol):
    """A system whose hits have scores that can be read as probabilities."""

    def hits(self, question: str, k: int) -> list[tuple[list[str], float]]:
        """Its k best hits, best first: the ids of the turns that each stands for, and its score."""
        ...
