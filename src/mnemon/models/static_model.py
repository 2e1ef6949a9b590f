"""Reading a static model's folder: a table of vectors, a vocabulary, and the card that names them.

`vectors.npy` is int8 [V, D] and stays on disk (memory-mapped); `scales.npy` is float32 [V];
`vocabulary.txt` has the word-piece of each row, one a line; `card.json` says what they are.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from mnemon.errors import EmbedderError
from mnemon.models.wordpiece import WordPiece

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BUNDLED = Path(__file__).parent / "static"
# Rows gathered at once: enough to share numpy's cost per call, little enough for a core's cache.
BATCH_TOKENS = 1024


@dataclass(frozen=True)
class Card:
    """What `StaticEmbedder` reads of `card.json`; the rest of it is for people."""

    model: str
    revision: str
    dimension: int
    vocabulary_sha256: str


@dataclass(frozen=True)
class Table:
    """A loaded model: vectors int8 [V, D], scales float32 [V], and the pieces they are of."""

    pieces: WordPiece
    vectors: NDArray[np.int8]
    scales: NDArray[np.float32]

    def known(self, text: str, max_tokens: int) -> list[int]:
        """The ids of the first `max_tokens` tokens of `text`, less the unknown ones."""
        ids, unknown = self.pieces.ids(text)[:max_tokens], self.pieces.unknown
        return [id for id in ids if id != unknown] if unknown in ids else ids

    def rows(self, ids: list[int]) -> NDArray[np.float32]:
        """The weighted vectors of `ids` [T], float32 [T, D]."""
        import numpy as np

        places = np.array(ids, dtype=np.intp)
        rows: NDArray[np.float32] = self.vectors.take(places, axis=0).astype(np.float32)
        rows *= self.scales.take(places)[:, None]
        return rows

    def sums(self, texts: Iterable[list[int]], out: NDArray[np.float32]) -> None:
        """Writes the sum of the rows of each of `texts`, lists of ids, to the rows of `out`."""
        import numpy as np

        targets = iter(out)
        for batch in _batches(texts):
            rows, end = self.rows(list(chain.from_iterable(batch))), 0
            # Text by text is faster than `np.add.reduceat`, and its order of additions does not
            # depend on the batch.
            for ids, target in zip(batch, targets, strict=False):
                start, end = end, end + len(ids)
                np.add.reduce(rows[start:end], axis=0, out=target)


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
        # A plain view of the map: indexing np.memmap itself costs twice as much.
        vectors = np.asarray(np.load(folder / "vectors.npy", mmap_mode="r"))
        scales = np.load(folder / "scales.npy")
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(folder, error) from error
    size = (pieces.size, card.dimension)
    if vectors.dtype != np.int8 or vectors.shape != size or scales.shape != size[:1]:
        raise _damaged(folder, f"vectors are {vectors.dtype} {vectors.shape}, not int8 {size}")
    return Table(pieces, vectors, scales)


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
