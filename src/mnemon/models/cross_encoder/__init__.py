"""A cross-encoder: one encoder reads a question and a turn together and says how well they fit.

Nogueira & Cho 2019, "Passage Re-ranking with BERT", https://arxiv.org/abs/1901.04085. How ours
differs: all-MiniLM-L6-v2 with a rank-16 adapter (LoRA, `mnemon.models.lora`) in the place of BERT;
it also reads the turns before and after; and as that model was made to put like texts near each
other, the score starts from that: from how near the question's pieces are to the turn's, as a whole
(as in the model itself) and each to its nearest (ColBERT, Khattab & Zaharia 2020,
https://arxiv.org/abs/2004.12832), with two layers over both and the first piece to correct it.
Made by `scripts/train_cross_encoder.py`. numpy runs it (the extra `encoders`), or on a device that
is named torch (the extra `sentence-transformers`). Limits: English; what is over 48, 96 and twice
32 word-pieces of a question, a turn and those beside it is cut.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon.models import lora
from mnemon.models.cross_encoder.head import HEAD
from mnemon.models.cross_encoder.pairs import Passage, pieces, spoken
from mnemon.models.embed.minilm import MiniLM
from mnemon.models.tuning import unusable

if TYPE_CHECKING:
    import numpy as np

    from mnemon.models.cross_encoder import by_numpy, by_torch

__all__ = ["BASE", "BUNDLED", "CrossEncoder", "Passage", "spoken", "told"]

BASE = MiniLM.base
BUNDLED = Path(__file__).parent.parent / "recall" / "cross_encoder.safetensors"


@dataclass(frozen=True)
class CrossEncoder:
    """A base model with what was trained on it.

    Attributes:
        base: hub name, or a local folder, of all-MiniLM-L6-v2; another model is refused.
        tuning: adapter and head, as `scripts/train_cross_encoder.py` writes them.
        device: for torch, as it names it, such as `cuda:0` or `cpu`; None is numpy.
        batch_size: pairs in one forward pass of torch.
    """

    base: str = BASE
    tuning: Path = BUNDLED
    device: str | None = None
    batch_size: int = 16

    def load(self) -> by_numpy.Loaded | by_torch.Loaded:
        """Load it now, which takes a moment, rather than when something is first read.

        Raises:
            EmbedderError, MissingExtra: as of `read`.
        """
        base = MiniLM(self.base).place
        if self.device is None:
            from mnemon.models.cross_encoder import by_numpy

            return by_numpy.loaded(base, self.tuning)
        from mnemon.models.cross_encoder import by_torch

        return by_torch.loaded(base, self.tuning, self.device)

    def read(self, question: str, passages: Sequence[Passage]) -> np.ndarray:
        """Scores float32 [P] of passages for one question; they rank, and mean nothing alone.

        Raises:
            EmbedderError: base or tuning cannot be loaded, or do not belong together.
            MissingExtra: safetensors, or for torch transformers or torch, is not installed.
        """
        import numpy as np

        if not passages:
            return np.zeros(0, np.float32)
        loaded = self.load()
        pairs = pieces(loaded.cut, loaded.marks, question, passages)
        order = sorted(range(len(pairs)), key=lambda place: len(pairs[place].ids))
        found = np.zeros(len(pairs), np.float32)
        for start in range(0, len(order), self.batch_size):
            some = order[start : start + self.batch_size]
            found[some] = loaded.scores([pairs[place] for place in some])
        return found


@cache
def told(tuning: Path) -> dict[str, Any]:
    """What a tuning says of itself: `fitted_on`, and the `calibration` of what it is mixed into.

    Raises:
        EmbedderError: it cannot be read, or is no cross-encoder's.
        MissingExtra: safetensors is not installed.
    """
    metadata, _ = lora.read(tuning, HEAD, "np", "encoders")
    try:
        found: dict[str, Any] = json.loads(metadata["reading"])
    except (KeyError, ValueError) as error:
        raise unusable(tuning, "it is no cross-encoder's") from error
    return found
