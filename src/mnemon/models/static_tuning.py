"""What the bundled static model learned of recall: weights of pieces, and a turn of questions.

A question and its answer rarely say the same: "what", "when" and "did" matter in neither, a
greeting attracts every greeting. So a piece weighs one thing in a memory and another in a question,
and a question's vector is turned by a matrix towards what answers such questions. The file is a
numpy archive of `turns` float16 [V], `questions` float16 [V], `pairs` float32 [2] (what bigrams are
multiplied by in either) and `turned` float16 [D, D]; made by `scripts/tune_embedder.py`.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon.models.tuning import unusable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

BUNDLED = Path(__file__).parent / "recall" / "static.npz"


@dataclass(frozen=True)
class Tuning:
    """What pieces weigh in `turns` [V] and `questions` [V], bigrams in both: `pairs` [2]; a
    question's sum of rows is multiplied by `turned` [D, D]."""

    turns: NDArray[np.float32]
    questions: NDArray[np.float32]
    pairs: NDArray[np.float32]
    turned: NDArray[np.float32]


def read(path: Path, pieces: int, dimension: int) -> Tuning:
    """The tuning of a model with so many pieces and dimensions.

    Raises:
        EmbedderError: it cannot be read, or is another model's.
    """
    import numpy as np

    try:
        with path.open("rb") as file, np.load(file) as held:  # a damaged one would stay open
            parts = [held[name].astype(np.float32) for name in Tuning.__dataclass_fields__]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise unusable(path, error) from error
    wanted = [(pieces,), (pieces,), (2,), (dimension, dimension)]
    if (found := [part.shape for part in parts]) != wanted:
        raise unusable(path, f"its tables are {found}, not {wanted}")
    return Tuning(*parts)


def write(path: Path, tuning: Tuning) -> None:
    """The same tuning gives the same bytes."""
    import numpy as np

    np.savez(path, **arrays(tuning))


def arrays(tuning: Tuning) -> dict[str, Any]:
    """As a file holds them."""
    import numpy as np

    return {
        "turns": tuning.turns.astype(np.float16),
        "questions": tuning.questions.astype(np.float16),
        "pairs": tuning.pairs.astype(np.float32),
        "turned": tuning.turned.astype(np.float16),
    }
