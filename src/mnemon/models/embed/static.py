"""The bundled embedder: a mean of word-piece vectors, with no neural network at run time.

Each word-piece of all-MiniLM-L6-v2 was embedded alone, once, weighted by how rare it is (SIF), and
stored as a row of int8; a text is the mean of its rows. Over 100 times faster than the model it
comes from, and about four points of LoCoMo recall@10 below it.
Method: model2vec (https://github.com/MinishLab/model2vec, MIT), version in static/card.json; SIF is
Arora et al. 2017 (https://openreview.net/forum?id=SyK00v5xx). Model: sentence-transformers/
all-MiniLM-L6-v2 (Apache-2.0). `scripts/distil_static.py` makes the folder `static/`.
How ours differs: the dimension is cut by a plain SVD of the weighted table rather than a centred
PCA, each row has its own scale, and inference is done here with numpy and our own word-pieces
(`mnemon.models.wordpiece`).
Limits: English. Word order plays no part. A word with no known piece (most emoji and CJK
characters, any word over 100 characters) adds nothing; a text of only such words is a zero row.

It runs on one core and starts no threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnemon.errors import InvalidInput
from mnemon.models.static_model import BUNDLED, load, read_card
from mnemon.models.vectors import many, unit_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["StaticEmbedder"]

MAX_TOKENS = 8192
# English has 4 to 5 characters a token: cutting at 8 bounds the work without biting before
# `max_tokens` does.
CHARACTERS_PER_TOKEN = 8


@dataclass(frozen=True)
class StaticEmbedder:
    """Embeds and counts tokens with the static model in a folder.

    Attributes:
        folder: with `vectors.npy`, `scales.npy`, `vocabulary.txt`, `card.json`; None is the
            bundled model.
        max_tokens: tokens of a text that count for its vector, from its start, of at most its
            first `8 * max_tokens` characters. `token_ids` and `count_tokens` never cut.
    """

    folder: str | None = None
    max_tokens: int = MAX_TOKENS

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise InvalidInput(f"max_tokens is {self.max_tokens}: it must be at least 1")

    @property
    def model(self) -> str:
        return read_card(self._path).model

    @property
    def revision(self) -> str:
        """The files' digest, and `max_tokens` where it is not the default: it changes vectors."""
        revision = read_card(self._path).revision
        return revision if self.max_tokens == MAX_TOKENS else f"{revision}-{self.max_tokens}"

    @property
    def dimension(self) -> int:
        return read_card(self._path).dimension

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows float32 [N, D]; the same text gives the same bits in any batch.

        Raises:
            InvalidText: a text is not a str of valid Unicode.
            EmbedderError: the model's folder is missing or damaged.
        """
        import numpy as np

        texts, table = many(texts), load(self._path)
        limit = self.max_tokens * CHARACTERS_PER_TOKEN
        sums = np.zeros((len(texts), table.vectors.shape[1]), np.float32)
        table.sums((table.known(text[:limit], self.max_tokens) for text in texts), sums)
        return unit_rows(sums)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The same as `embed([text])[0]`, float32 [D]: this model has no query prompt."""
        row: NDArray[np.float32] = self.embed([text])[0]
        return row

    def token_vectors(self, text: str) -> NDArray[np.float32]:
        """One row for each known token of `text`, float32 [T, D], for late interaction.

        Rows are not unit: a rarer token has a longer one (its SIF weight), and the mean of the
        rows, made unit, is `embed_query(text)`.
        """
        table = load(self._path)
        start = text[: self.max_tokens * CHARACTERS_PER_TOKEN]
        return table.rows(table.known(start, self.max_tokens))

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Word-piece ids of each whole text, the unknown token included."""
        ids = load(self._path).pieces.ids
        return [ids(text) for text in many(texts)]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Exact number of word-pieces of each whole text, without special tokens.

        As in BERT an unknown word is one token, however long it is.
        """
        count = load(self._path).pieces.count
        return [count(text) for text in many(texts)]

    @property
    def _path(self) -> Path:
        return BUNDLED if self.folder is None else Path(self.folder)
