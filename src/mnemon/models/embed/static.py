"""The bundled embedder: a sum of word-piece and bigram vectors, and what an encoder adds to it.

A row of int8 for each word-piece of all-MiniLM-L6-v2 and one for each of 32,768 hashes of two
pieces in a row; a text is the sum of its rows, turned, and what two layers make of them in their
context (`mnemon.models.static_encoder`), made unit. All were trained to be as near as they can to
the vector that all-MiniLM-L6-v2 gives the text, and so that texts are as similar to each other as
that model finds them (`scripts/distil_static.py`, `scripts/distil_encoder.py`). Some ten times
faster.
Method: the bag of embeddings of model2vec's tokenlearn (https://github.com/MinishLab/tokenlearn),
hashed bigrams as in fastText (Joulin et al. 2016, https://arxiv.org/abs/1607.01759), the relations
of a batch as a target as in Park et al. 2019 (https://arxiv.org/abs/1904.05068). Model:
sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0). How ours differs: rows start as that model's
answers to single pieces, all of the above is one loss, and its token outputs are a target too
(`late_vectors`); afterwards it was tuned for recall (`mnemon.models.static_tuning`), so that a
question and a memory of the same words differ; inference is numpy and our own word-pieces
(`mnemon.models.wordpiece`).
Limits: English. What is more than 64 pieces apart is not read together. A word with no known piece
(most emoji and CJK characters, any word over 100 characters) adds nothing; a text of only such
words is a zero row.

It runs on one core and starts no threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mnemon.errors import InvalidInput
from mnemon.models import static_tuning, tuning
from mnemon.models.static_encoder import Encoder
from mnemon.models.static_model import BUNDLED, Table, load, load_encoder, read_card
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
        tables = _tuned(self._path, self._tuning)
        return unit_rows(tables.meanings(tables.turns, self._known(tables.turns, texts)))

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """A unit row float32 [D]: pieces weigh what they weigh in questions, and it is turned."""
        tables = _tuned(self._path, self._tuning)
        meant = tables.meanings(tables.questions, self._known(tables.questions, [text]))
        row: NDArray[np.float32] = unit_rows(
            meant if tables.turned is None else meant @ tables.turned
        )[0]
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
        known = self._known(table, texts)
        return _sums(table, known), np.fromiter(map(len, known), np.intp, len(known))

    def late_sums(self, sums: NDArray[np.float32]) -> NDArray[np.float32]:
        """The sums of `late_vectors` float32 [N, L] that belong to `token_sums` [N, D]."""
        from mnemon.blas import multiplied  # numpy

        return multiplied(sums, load(self._path).words)

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

    def _known(self, table: Table, texts: Sequence[str]) -> list[list[int]]:
        limit = self.max_tokens * CHARACTERS_PER_TOKEN
        return [table.known(text[:limit], self.max_tokens) for text in many(texts)]

    @property
    def _path(self) -> Path:
        return BUNDLED if self.folder is None else Path(self.folder)

    @property
    def _tuning(self) -> Path | None:
        if self.tuning is None:
            return static_tuning.BUNDLED if self.folder is None else None
        return Path(self.tuning) if self.tuning else None


@dataclass(frozen=True)
class _Tables:
    """The model as it is, as turns and as questions see it, what questions are multiplied by, and
    what reads its rows."""

    plain: Table
    turns: Table
    questions: Table
    turned: NDArray[np.float32] | None
    encoder: Encoder

    def meanings(self, weighed: Table, known: Sequence[list[int]]) -> NDArray[np.float32]:
        """float32 [N, D] of texts as ids: weighed rows summed up, and what the encoder adds."""
        found = _sums(weighed, known)
        for row, ids in zip(found, known, strict=True):
            if ids:  # one by one: several at once give other bits
                row[...] = row @ self.encoder.summed + self.encoder.added(self.plain.rows(ids))
        return found


def _sums(table: Table, known: Sequence[list[int]]) -> NDArray[np.float32]:
    import numpy as np

    sums = np.zeros((len(known), table.single.vectors.shape[1]), np.float32)
    table.sums(known, sums)
    return sums


@cache
def _tuned(folder: Path, tuning: Path | None) -> _Tables:
    table = load(folder)
    if tuning is None:
        return _Tables(table, table, table, None, load_encoder(folder))
    told = static_tuning.read(tuning, *table.single.vectors.shape)
    turns = table.weighed(told.turns, told.pairs[0])
    questions = table.weighed(told.questions, told.pairs[1])
    return _Tables(table, turns, questions, told.turned, told.encoder)
