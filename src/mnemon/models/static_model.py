"""Reading a static model's folder: tables of vectors, a vocabulary, and the card that names them.

`vectors.npy` is int8 [V, D] and `bigrams.npy` int8 [B, C], C <= D: both stay on disk
(memory-mapped); `scales.npy` and `bigram_scales.npy` are float32, one a row; `numbers.npy` uint16
[V] is what a piece counts as in a bigram's hash; `words.npy` float16 [D, L] turns a sum of rows
into what late interaction compares; `vocabulary.txt` has the word-piece of each row, one a line;
`card.json` says what they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon.errors import EmbedderError
from mnemon.models.wordpiece import WordPiece

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BUNDLED = Path(__file__).parent / "static"
# Two pieces in a row → a row of the bigrams: (first * FIRST + second * SECOND) mod B.
FIRST, SECOND = 1_000_003, 7_919
# Rows gathered at once: enough to share numpy's cost per call, little enough for a core's cache.
BATCH_TOKENS = 1024
# Latin letters as wide as Chinese characters, which are no word-pieces, to the plain ones.
_FULL_WIDTH = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)} | {0x3000: " "}


@dataclass(frozen=True)
class Card:
    """What `StaticEmbedder` reads of `card.json`; the rest of it is for people."""

    model: str
    revision: str
    dimension: int
    vocabulary_sha256: str


@dataclass(frozen=True)
class Rows:
    """Vectors int8 [R, W] and what to multiply them by, float32 [R]."""

    vectors: NDArray[np.int8]
    scales: NDArray[np.float32]

    def take(self, places: NDArray[np.intp]) -> NDArray[np.float32]:
        """The rows at `places` [...], float32 [..., W]."""
        import numpy as np

        rows: NDArray[np.float32] = self.vectors.take(places, axis=0).astype(np.float32)
        rows *= self.scales.take(places)[..., None]
        return rows


@dataclass(frozen=True)
class Table:
    """A loaded model: a row for each piece and for each hash of two pieces in a row."""

    pieces: WordPiece
    single: Rows
    double: Rows
    numbers: NDArray[np.int64]
    words: NDArray[np.float32]

    def weighed(self, pieces: NDArray[np.float32], pairs: np.float32) -> Table:
        """The same with rows multiplied: each piece's by one of `pieces` [V], all bigrams'."""
        single = replace(self.single, scales=self.single.scales * pieces)
        return replace(
            self, single=single, double=replace(self.double, scales=self.double.scales * pairs)
        )

    def known(self, text: str, max_tokens: int) -> list[int]:
        """The ids of the first `max_tokens` tokens of `text`, less the unknown ones."""
        if not text.isascii():
            text = text.translate(_FULL_WIDTH)
        ids, unknown = self.pieces.ids(text)[:max_tokens], self.pieces.unknown
        return [id for id in ids if id != unknown] if unknown in ids else ids

    def rows(self, ids: list[int]) -> NDArray[np.float32]:
        """For each of `ids` [T] its row and that of the bigram it ends, float32 [T, D]."""
        import numpy as np

        places = np.array(ids, dtype=np.intp)
        rows = self.single.take(places)
        if len(places) > 1:
            pairs = self.double.take(self._hashes(places))
            rows[1:, : pairs.shape[1]] += pairs
        return rows

    def _hashes(self, places: NDArray[np.intp]) -> NDArray[np.intp]:
        found: NDArray[np.intp] = hashes(self.numbers.take(places), len(self.double.scales))
        return found

    def sums(self, texts: Iterable[list[int]], out: NDArray[np.float32]) -> None:
        """Writes the sum of the rows of each of `texts`, lists of ids, to the rows of `out`."""
        import numpy as np

        targets, width = iter(out), self.double.vectors.shape[1]
        for batch in _batches(texts):
            places = np.fromiter(chain.from_iterable(batch), dtype=np.intp)
            # Where one text ends and the next begins there is a pair too; nobody adds it up.
            rows, pairs = self.single.take(places), self.double.take(self._hashes(places))
            end = 0
            # Text by text is faster than `np.add.reduceat`, and its order of additions does not
            # depend on the batch.
            for ids, target in zip(batch, targets, strict=False):
                start, end = end, end + len(ids)
                np.add.reduce(rows[start:end], axis=0, out=target)
                if end - start > 1:
                    target[:width] += np.add.reduce(pairs[start : end - 1], axis=0)


def hashes(numbers: Any, bigrams: int) -> Any:
    """For each two in a row of pieces' numbers [..., T] their row of the bigrams [..., T - 1]."""
    return (numbers[..., :-1] * FIRST + numbers[..., 1:] * SECOND) % bigrams


@cache
def read_card(folder: Path) -> Card:
    """The card of the model in `folder`, read once per process.

    Raises:
        EmbedderError: there is none, or it lacks a field.
    """
    try:
        card = json.loads((folder / "card.json").read_text("utf-8"))
        digest = card["sha256"]["vocabulary.txt"]
        return Card(str(card["model"]), str(card["revision"]), int(card["dimension"]), digest)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(folder, f"card.json: {error!r}") from error


@cache
def load(folder: Path) -> Table:
    """The model in `folder`, loaded once per process in some 20 ms.

    Raises:
        EmbedderError: a file is missing, or is not what the card says.
    """
    import numpy as np

    card, vocabulary = read_card(folder), folder / "vocabulary.txt"
    try:
        if hashlib.sha256(vocabulary.read_bytes()).hexdigest() != card.vocabulary_sha256:
            raise _damaged(folder, "vocabulary.txt is not the one that card.json names")
        pieces = WordPiece(vocabulary)
        single = Rows(mapped(folder / "vectors.npy"), np.load(folder / "scales.npy"))
        double = Rows(mapped(folder / "bigrams.npy"), np.load(folder / "bigram_scales.npy"))
        numbers = np.load(folder / "numbers.npy").astype(np.int64)
        words = np.load(folder / "words.npy").astype(np.float32)
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(folder, error) from error
    size = (pieces.size, card.dimension)
    if (found := single.vectors).dtype != np.int8 or found.shape != size:
        raise _damaged(folder, f"vectors are {found.dtype} {found.shape}, not int8 {size}")
    if double.vectors.dtype != np.int8 or (double.vectors.ndim, numbers.ndim, words.ndim) != (
        2,
        1,
        2,
    ):
        raise _damaged(folder, "bigrams.npy, numbers.npy or words.npy has other axes or numbers")
    rows = {(len(one.vectors), *one.scales.shape) for one in (single, double)}
    if any(len(set(counts)) > 1 for counts in rows) or len(numbers) != pieces.size:
        raise _damaged(folder, "its files do not have a row for each other's")
    if len(words) != card.dimension or double.vectors.shape[1] > card.dimension:
        raise _damaged(folder, f"words.npy or bigrams.npy is not for {card.dimension} dimensions")
    return Table(pieces, single, double, numbers, words)


def mapped(file: Path) -> NDArray[np.int8]:
    """An array that stays on disk."""
    import numpy as np

    # A plain view of the map: indexing np.memmap itself costs twice as much.
    return np.asarray(np.load(file, mmap_mode="r"))


def _damaged(folder: Path, why: object) -> EmbedderError:
    return EmbedderError(
        f"the static model in {folder} cannot be used ({why}): reinstall mnemon, "
        "or make the folder with scripts/distil_static.py"
    )


def _batches(texts: Iterable[list[int]]) -> Iterator[Sequence[list[int]]]:
    batch: list[list[int]] = []
    tokens = 0
    for ids in texts:
        if batch and tokens + len(ids) > BATCH_TOKENS:
            yield batch
            batch, tokens = [], 0
        batch.append(ids)
        tokens += len(ids)
    if batch:
        yield batch
