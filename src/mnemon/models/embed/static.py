"""The bundled rows alone: a sum of word-piece and bigram vectors, no neural network at run time.

A row of int8 for each word-piece of all-MiniLM-L6-v2 and one for each of 32,768 hashes of two
pieces in a row; a text is the sum of its rows, made unit. The rows were trained so that this sum is
as near as it can be to the vector that all-MiniLM-L6-v2 gives the text, and so that texts are as
similar to each other as that model finds them (`scripts/distil_static.py`). Over 100 times faster.
Method: the bag of embeddings of model2vec's tokenlearn (https://github.com/MinishLab/tokenlearn),
hashed bigrams as in fastText (Joulin et al. 2016, https://arxiv.org/abs/1607.01759), the relations
of a batch as a target as in Park et al. 2019 (https://arxiv.org/abs/1904.05068). Model:
sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0). How ours differs: rows start as that model's
answers to single pieces, all of the above is one loss, and its token outputs are a target too
(`late_vectors`); afterwards it was tuned for recall (`mnemon.models.static_tuning`), so that a
question and a memory of the same words differ; inference is numpy and our own word-pieces
(`mnemon.models.wordpiece`).
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
from mnemon.models import static_tuning, tuning
from mnemon.models.static_model import BUNDLED, load, read_card
from mnemon.models.static_sums import CHARACTERS_PER_TOKEN, MAX_TOKENS, known, sums, tuned, turned
from mnemon.models.vectors import many, unit_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["StaticEmbedder"]


@dataclass(frozen=True)
class StaticEmbedder:
    """Embeds and counts tokens with the static model in a folder.

    Attributes:
        folder: with the files that `mnemon.models.static_model` reads; None is the bundled model.
        tuning: what it learned of recall (`mnemon.models.static_tuning`); None is the bundled one
            for the bundled model, and none for another; "" is none.
        max_tokens: tokens of a text that count for its vector, from its start, of at most its
            first `8 * max_tokens` characters. `token_ids` and `count_tokens` never cut.
    """

    folder: str | None = None
    max_tokens: int = MAX_TOKENS
    tuning: str | None = None

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise InvalidInput(f"max_tokens is {self.max_tokens}: it must be at least 1")

    @property
    def model(self) -> str:
        return read_card(self._path).model

    @property
    def revision(self) -> str:
        """The files' digests, and `max_tokens` where it is not the default: it changes vectors."""
        revision = read_card(self._path).revision
        if self._tuning is not None:
            revision += f"-{tuning.digest(self._tuning)}"
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
        table = tuned(self._path, self._tuning).turns
        return unit_rows(sums(table, known(table, texts, self.max_tokens)))

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """A unit row float32 [D]: pieces weigh what they weigh in questions, and it is turned."""
        tables = tuned(self._path, self._tuning)
        said = sums(tables.questions, known(tables.questions, [text], self.max_tokens))
        row: NDArray[np.float32] = unit_rows(turned(said, tables))[0]
        return row

    def token_vectors(self, text: str) -> NDArray[np.float32]:
        """A row for each known token of `text`, float32 [T, D], as it was before tuning.

        A token that matters more has a longer row.
        """
        table = load(self._path)
        start = text[: self.max_tokens * CHARACTERS_PER_TOKEN]
        return table.rows(table.known(start, self.max_tokens))

    def token_sums(self, texts: Sequence[str]) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
        """The sum of each text's `token_vectors` float32 [N, D], and of how many it is. Untuned."""
        import numpy as np

        table = load(self._path)
        ids = known(table, texts, self.max_tokens)
        return sums(table, ids), np.fromiter(map(len, ids), np.intp, len(ids))

    def late_sums(self, sums: NDArray[np.float32]) -> NDArray[np.float32]:
        """The sums of `late_vectors` float32 [N, L] that belong to `token_sums` [N, D]; each has
        the same bits whatever stands beside it."""
        from mnemon.blas import stacked  # numpy

        return stacked(sums[:, None], load(self._path).words)[:, 0]

    def late_vectors(self, text: str) -> NDArray[np.float32]:
        """What each known token of `text` means there, for late interaction: float32 [T, L]."""
        vectors: NDArray[np.float32] = self.token_vectors(text) @ load(self._path).words
        return vectors

    def token_ids(self, texts: Sequence[str]) -> list[list[int]]:
        """Word-piece ids of each whole text, the unknown token included."""
        ids = load(self._path).pieces.ids
        return [ids(text) for text in many(texts)]

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Exact number of word-pieces of each whole text, without special tokens; a word that is
        unknown, or longer than 100 characters, counts as one for each 4 bytes begun."""
        count = load(self._path).pieces.count
        return [count(text) for text in many(texts)]

    @property
    def _path(self) -> Path:
        return BUNDLED if self.folder is None else Path(self.folder)

    @property
    def _tuning(self) -> Path | None:
        if self.tuning is None:
            return static_tuning.BUNDLED if self.folder is None else None
        return Path(self.tuning) if self.tuning else None
