"""Reading what the embedder `context` adds to the static model: an encoder, untuned and tuned.

`context/vectors.npy` int8 [V, W] and `context/scales.npy` float32 [V] are the rows that it starts
from, one for each piece of the static model; `context/encoder.npz` has the arrays of
`context_encoder.Encoder` as float16; `context/card.json` says what they are. A tuning
(`recall/context.npz`) has the arrays of an encoder that learned recall, beside what
`static_tuning` has: what pieces weigh beside it.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mnemon.errors import EmbedderError
from mnemon.models import static_model, static_tuning
from mnemon.models.context_encoder import Encoder
from mnemon.models.context_reader import Reader
from mnemon.models.static_model import Rows
from mnemon.models.tuning import unusable

FOLDER = Path(__file__).parent / "context"
BUNDLED = Path(__file__).parent / "recall" / "context.npz"


@dataclass(frozen=True)
class Card:
    """What `ContextEmbedder` reads of `card.json`; the rest of it is for people."""

    model: str
    revision: str


@cache
def read_card() -> Card:
    """The bundled encoder's card, read once per process.

    Raises:
        EmbedderError: there is none, or it lacks a field.
    """
    path = FOLDER / "card.json"
    try:
        told: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
        return Card(str(told["model"]), str(told["revision"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, error) from error


@cache
def load(tuning: Path | None, folder: Path = FOLDER) -> Reader:
    """The rows with the encoder of a tuning, or with the untuned one; read once per process.

    Raises:
        EmbedderError: a file is missing or damaged, or is for other rows.
    """
    import numpy as np

    rows = _rows(folder)
    path, refused = (folder / "encoder.npz", _damaged) if tuning is None else (tuning, unusable)
    try:
        with path.open("rb") as file, np.load(file) as held:  # a damaged one would stay open
            encoder = Encoder.of(held)
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise refused(path, error) from error
    wanted = (rows.vectors.shape[1], static_model.read_card(static_model.BUNDLED).dimension)
    if (found := (encoder.width, len(encoder.summed))) != wanted:
        raise refused(path, f"its encoder reads and makes {found} columns, not {wanted}")
    return Reader(rows, encoder)


def _rows(folder: Path) -> Rows:
    import numpy as np

    pieces = len(static_model.load(static_model.BUNDLED).single.scales)
    try:
        rows = Rows(static_model.mapped(folder / "vectors.npy"), np.load(folder / "scales.npy"))
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(folder / "vectors.npy", error) from error
    shapes = (rows.vectors.shape[:1], rows.scales.shape)
    if rows.vectors.dtype != np.int8 or rows.vectors.ndim != 2 or shapes != ((pieces,), (pieces,)):
        raise _damaged(folder / "vectors.npy", f"it has not an int8 row for each of {pieces:,}")
    return rows


def _damaged(path: Path, why: object) -> EmbedderError:
    return EmbedderError(
        f"{path} of the embedder `context` cannot be used ({why}): reinstall mnemon, "
        "or make its folder with scripts/distil_encoder.py"
    )


def write(path: Path, weights: static_tuning.Tuning, encoder: Encoder) -> None:
    """A tuning; the same gives the same bytes."""
    import numpy as np

    np.savez(path, **static_tuning.arrays(weights), **encoder.arrays())  # type: ignore[arg-type]
