"""What every embedder does to its rows: check their shape, and make their length one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from mnemon.errors import DimensionMismatch, EmbedderError, InvalidInput

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mnemon.models.embed import Embedder


def many(texts: Sequence[str]) -> list[str]:
    """`texts` as a list.

    Raises:
        InvalidInput: one bare string, which Python would take for a sequence of letters.
    """
    if isinstance(texts, str):
        raise InvalidInput("embed() takes a list of texts, not one str: pass [text]")
    return list(texts)


def unit_rows(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """`rows` [N, D] made Euclidean length one each, in place; a zero row stays zero."""
    import numpy as np

    norms = np.sqrt(np.einsum("nd,nd->n", rows, rows))
    norms[norms == 0] = 1.0
    rows /= norms[:, None]
    return rows


def embedded(
    embedder: Embedder, texts: Sequence[str], ask: Callable[[list[str]], Any], expected: int | None
) -> NDArray[np.float32]:
    """What `ask` answers for `texts` [N], checked, as unit rows float32 [N, D].

    Blank texts are not sent (endpoints refuse them, and a network would make up a meaning from
    its special tokens alone): they get zero rows.

    Args:
        embedder: named in errors; knows D when no text is left to send.
        ask: takes texts and answers their vectors as an array or nested lists.
        expected: D, or None for whatever is answered.

    Raises:
        DimensionMismatch: rows of another length than `expected`.
        EmbedderError: another number of rows, ragged rows, or numbers that are not finite.
    """
    import numpy as np

    texts = many(texts)
    said = [place for place, text in enumerate(texts) if text.strip()]
    if not said:
        return np.zeros((len(texts), embedder.dimension), np.float32)
    rows = _checked(ask([texts[place] for place in said]), len(said), embedder.model)
    if expected is not None and rows.shape[1] != expected:
        raise DimensionMismatch(embedder.model, expected, rows.shape[1])
    found = np.zeros((len(texts), rows.shape[1]), np.float32)
    found[said] = rows
    return unit_rows(found)


def _checked(answer: Any, count: int, model: str) -> NDArray[np.float32]:
    import numpy as np

    try:
        rows = np.asarray(answer, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise EmbedderError(f"{model!r} answered rows that are no matrix: {error}") from error
    if rows.ndim != 2 or len(rows) != count or rows.shape[1] == 0:
        raise EmbedderError(
            f"{model!r} answered an array of shape {rows.shape} for {count} texts: "
            "check that it is an embedding model"
        )
    if not np.isfinite(rows).all():
        raise EmbedderError(f"{model!r} answered numbers that are not finite: try another model")
    return rows
