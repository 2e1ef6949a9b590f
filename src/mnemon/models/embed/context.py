"""The bundled rows with an encoder that reads them in context: numpy, no other package.

To the sum of a text's rows (`mnemon.models.embed.static`) comes what one layer of attention makes
of the text (`mnemon.models.context_encoder`), distilled from all-MiniLM-L6-v2 as the rows were, and
from all-mpnet-base-v2: it finds more, most of all where people write casually. As DistilBERT (Sanh
et al. 2019, https://arxiv.org/abs/1910.01108) a small network taught by larger ones; how ours
differs: it starts from rows that add up to a teacher's vectors already, and only corrects their
sum; then it was tuned for recall as `static` was. Limits as of `static`; what is more than 64
pieces apart is not read together.

It runs on one core and starts no threads.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mnemon.errors import InvalidInput
from mnemon.models import context_model, static_model, tuning
from mnemon.models.static_sums import MAX_TOKENS, known, sums, tuned, turned
from mnemon.models.vectors import unit_rows

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mnemon.models.static_model import Table

__all__ = ["ContextEmbedder"]


@dataclass(frozen=True)
class ContextEmbedder:
    """Embeds with the bundled static model and the encoder over it.

    Attributes:
        max_tokens: tokens of a text that count for its vector, from its start, of at most its
            first `8 * max_tokens` characters.
        tuning: what it learned of recall (`mnemon.models.context_model`); None is the bundled one,
            "" is none.
    """

    max_tokens: int = MAX_TOKENS
    tuning: str | None = None

    def __post_init__(self) -> None:
        if self.max_tokens < 1:
            raise InvalidInput(f"max_tokens is {self.max_tokens}: it must be at least 1")

    @property
    def model(self) -> str:
        return context_model.read_card().model

    @property
    def revision(self) -> str:
        """Digests of rows, encoder and tuning, and `max_tokens` where it is not the default."""
        rows = static_model.read_card(static_model.BUNDLED).revision
        revision = f"{rows[:8]}-{context_model.read_card().revision}"
        if self._tuning is not None:
            revision += f"-{tuning.digest(self._tuning)}"
        return revision if self.max_tokens == MAX_TOKENS else f"{revision}-{self.max_tokens}"

    @property
    def dimension(self) -> int:
        return static_model.read_card(static_model.BUNDLED).dimension

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows float32 [N, D]; the same text gives the same bits in any batch.

        Raises:
            InvalidText: a text is not a str of valid Unicode.
            EmbedderError: the model's files are missing or damaged.
        """
        return unit_rows(self._meanings(tuned(static_model.BUNDLED, self._tuning).turns, texts))

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """A unit row float32 [D]: pieces weigh what they weigh in questions, and it is turned."""
        tables = tuned(static_model.BUNDLED, self._tuning)
        meant = self._meanings(tables.questions, [text])
        row: NDArray[np.float32] = unit_rows(turned(meant, tables))[0]
        return row

    def _meanings(self, weighed: Table, texts: Sequence[str]) -> NDArray[np.float32]:
        """float32 [N, D]: the sums of weighed rows, and what the encoder makes of the texts."""
        ids = known(weighed, texts, self.max_tokens)
        return context_model.load(self._tuning).meanings(sums(weighed, ids), ids)

    @property
    def _tuning(self) -> Path | None:
        if self.tuning is None:
            return context_model.BUNDLED
        return Path(self.tuning) if self.tuning else None
