"""The slot `models.embed`: text to vectors. A file here is a method; this is what each offers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Embedder"]


class Embedder(Protocol):
    """Maps texts to unit vectors; a larger dot product means closer in meaning.

    Vectors of two embedders compare only when `model`, `revision` and `dimension` are all equal.
    """

    @property
    def model(self) -> str:
        """The model's name."""
        ...

    @property
    def revision(self) -> str:
        """Which weights and which way of using them; "" when the provider does not say."""
        ...

    @property
    def dimension(self) -> int:
        """D, the length of a vector."""
        ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows float32 [N, D], in the order of `texts` [N].

        A text in which the model knows no token gives a zero row.

        Raises:
            EmbedderError: the model failed, or answered something that is no embedding.
            MissingExtra: the method's package is not installed.
        """
        ...

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """One question as a unit row float32 [D].

        Equal to `embed([text])[0]` unless the model has a prompt of its own for queries.
        """
        ...
