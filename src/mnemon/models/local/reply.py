"""Reply: an answer and where it is kept; and the stream it comes in."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass

from mnemon.cube import Hit
from mnemon.errors import InvalidInput
from mnemon.models.local.trace import Trace


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer.

    Attributes:
        text: the answer, without white space at its ends.
        question, answer: ids of the turn's cubes; None for what was not stored.
        hits: what was recalled for this turn, best first.
        trace: what it took.
    """

    text: str
    question: str | None
    answer: str | None
    hits: tuple[Hit, ...]
    trace: Trace


class Stream(Iterator[str]):
    """Pieces of an answer as they are made. Nothing is stored before the last one was taken."""

    def __init__(self, pieces: Generator[str, None, Reply]) -> None:
        self._pieces = pieces
        self._reply: Reply | None = None

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> str:
        try:
            return next(self._pieces)
        except StopIteration as end:
            self._reply = end.value or self._reply
            raise

    def close(self) -> None:
        """Stop: the answer is not finished, and nothing is stored."""
        self._pieces.close()

    @property
    def reply(self) -> Reply:
        """The whole answer.

        Raises:
            InvalidInput: the stream has not come to its end.
        """
        if self._reply is None:
            raise InvalidInput("the answer is not there yet: take all pieces of the stream first")
        return self._reply
