"""The bundled embedder: a sum of word-piece and bigram vectors, no neural network at run time.

A row of int8 for each word-piece of all-MiniLM-L6-v2 and one for each of 32,768 hashes of two
pieces in a row; a text is the sum of its rows, made unit. The rows were trained so that this sum is
as near as it can be to the vector that all-MiniLM-L6-v2 gives the text, and so that texts are as
similar to each other as that model finds them (`scripts/distil_static.py`). Over 100 times faster.
Method: the bag of embeddings of model2vec's tokenlearn (https://github.com/MinishLab/tokenlearn),
hashed bigrams as in fastText (Joulin et al. 2016, https://arxiv.org/abs/1607.01759), the relations
of a batch as a target as in Park et al. 2019 (https://arxiv.org/abs/1904.05068). Model:
sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0). How ours differs: rows start as that model's
answers to single pieces, all of the above is one loss, and its token outputs are a target too
(`late_vectors`); inference is numpy and our own word-pieces (`mnemon.models.wordpiece`).
Limits: English. Order counts within two pieces only. A word with no known piece (most emoji and CJK
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
_AT_ONCE = 4  # rows multiplied: so few that no product is split over threads


@dataclass(frozen=True)
class StaticEmbedder:
    """Embeds and counts tokens with the static model in a folder.

    Attributes:
        folder: with the files that `mnemon.models.static_model` reads; None is the bundled model.
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
        return unit_rows(self.token_sums(texts)[0])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The same as `embed([text])[0]`, float32 [D]: this model has no query prompt."""
        row: NDArray[np.float32] = self.embed([text])[0]
        return row

    def token_vectors(self, text: str) -> NDArray[np.float32]:
        """A row for each known token of `text`, float32 [T, D]; their sum made unit is its vector.

        A token that matters more has a longer row.
        """
        table = load(self._path)
        start = text[: self.max_tokens * CHARACTERS_PER_TOKEN]
        return table.rows(table.known(start, self.max_tokens))

    def token_sums(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
        """The sum of each text's `token_vectors` float32 [N, D], and of how many it is."""
        import numpy as np

        texts, table = many(texts), load(self._path)
        limit = self.max_tokens * CHARACTERS_PER_TOKEN
        known = [table.known(text[:limit], self.max_tokens) for text in texts]
        sums = np.zeros((len(texts), table.single.vectors.shape[1]), np.float32)
        table.sums(known, sums)
        return sums, np.fromiter(map(len, known), dtype=np.intp, count=len(known))

    def late_sums(self, sums: NDArray[np.float32]) -> NDArray[np.float32]:
        """The sums of `late_vectors` float32 [N, L] that belong to `token_sums` [N, D]."""
        import numpy as np

        words = load(self._path).words
        found = np.empty((len(sums), words.shape[1]), np.float32)
        for start in range(0, len(sums), _AT_ONCE):
            np.dot(sums[start : start + _AT_ONCE], words, out=found[start : start + _AT_ONCE])
        return found

    def late_vectors(self, text: str) -> NDArray[np.float32]:
        """What each known token of `text` means there, for late interaction: float32 [T, L]."""
        vectors: NDArray[np.float32] = self.token_vectors(text) @ load(self._path).words
        return vectors

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
