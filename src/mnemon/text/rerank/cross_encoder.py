"""Cross-encoder: what the learned ranker puts first is read again, question and turn together.

Nogueira & Cho 2019, "Passage Re-ranking with BERT", https://arxiv.org/abs/1901.04085. How ours
differs: its score is mixed with that of the learned ranker (`listnet.py`), which knows of time,
speakers and the rest of the list, and made a probability in the same way (`_calibration.py`),
fitted with the embedder `minilm`: with another one probabilities were not looked at, and `prepare`
refuses it. The encoder is `mnemon.models.cross_encoder`, an optional package. Needs the channels
`words`, `meaning`, `time`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mnemon.errors import InvalidInput
from mnemon.store.view import View
from mnemon.text import signals
from mnemon.text.alphabet import latin
from mnemon.text.query import Query, Ranking
from mnemon.text.rerank import listnet
from mnemon.text.rerank._calibration import CONTEXT, Calibration, context

if TYPE_CHECKING:
    from mnemon.models.cross_encoder import CrossEncoder as Encoder
    from mnemon.models.cross_encoder import Passage

__all__ = ["CrossEncoder"]

SHARE = 0.3
"""What the encoder's score weighs beside the learned ranker's."""
_FITTED = "minilm"
"""The kind of vectors with whose learned ranker the bundled tuning was fitted."""
_CONTEXT = [signals.NAMES.index(name) for name in CONTEXT]


@dataclass(frozen=True)
class CrossEncoder:
    """Options.

    Attributes:
        base: hub name, or a local folder, of all-MiniLM-L6-v2.
        tuning: a file of `scripts/train_cross_encoder.py`; None is the bundled one.
        weights: the learned ranker's option of that name.
        depth: so many of the learned ranker's best are read; the others follow in its order.
        device: for torch, as it names it, such as `cuda:0` or `cpu`; None is numpy.
    """

    base: str = "sentence-transformers/all-MiniLM-L6-v2"
    tuning: str | None = None
    weights: str | None = None
    depth: int = 30
    device: str | None = None

    def prepare(self, space: str) -> None:
        """Load the encoder; a tuning of the caller's own may be for other vectors than `minilm`'s.

        Raises:
            InvalidInput: the vectors of `space` are not those it was fitted with.
            EmbedderError, MissingExtra: the encoder cannot be loaded.
        """
        if self.tuning is None and listnet.kind(space) != _FITTED:
            raise InvalidInput(
                "the cross-encoder was fitted with the embedder 'minilm', and this memory's is "
                f"{space}: move it with `mnemon reindex --embedder minilm`, or choose a program "
                "without one"
            )
        self._encoder().load()

    def rerank(
        self, view: View, query: Query, rankings: Mapping[str, Ranking], fused: Ranking
    ) -> Ranking:
        """The cubes of `fused`, by the probability that they hold what is asked; a question in
        other letters than Latin ones is the learned ranker's."""
        if not latin(query.text):
            return listnet.ListNet(self.weights).rerank(view, query, rankings, fused)
        from mnemon.models import cross_encoder

        most = listnet.ListNet.depth
        candidates = fused.indices[:most]
        if not len(candidates):
            return fused
        told = signals.signals(view, query, rankings, candidates)
        first = listnet.chosen(self.weights, view.space).scores(told)
        order = np.argsort(-first, kind="stable")
        best, others = order[: self.depth], order[self.depth :]
        encoder = self._encoder()
        read = encoder.read(query.text, passages(view, candidates[best]))
        mixed = (1.0 - SHARE) * first[best] + SHARE * read
        calibration = Calibration(**cross_encoder.told(encoder.tuning)["calibration"])
        chances = calibration.chances(mixed, context(mixed, told[best][:, _CONTEXT]))
        again = np.argsort(-chances, kind="stable")
        unread = np.concatenate([candidates[others], fused.indices[most:]])
        falling = np.linspace(1.0, 0.0, len(unread) + 2, dtype=np.float32)[1:-1]
        return Ranking(
            "cross-encoder",
            np.concatenate([candidates[best[again]], unread]),
            np.concatenate([chances[again], falling * chances.min()]).astype(np.float32),
        )

    def _encoder(self) -> Encoder:
        from mnemon.models import cross_encoder

        tuning = Path(self.tuning) if self.tuning else cross_encoder.BUNDLED
        return cross_encoder.CrossEncoder(self.base, tuning, self.device)


def passages(view: View, indices: np.ndarray) -> list[Passage]:
    """Turns int [C] of a view, with who said them and those beside them."""
    from mnemon.models.cross_encoder import Passage, spoken

    around = np.stack([indices, view.before.take(indices), view.after.take(indices)], axis=1)
    there = np.unique(around[around < len(view.rows)]).tolist()
    said = {
        index: spoken(view.names.text(view.speakers[index]), text)
        for index, text in zip(there, view.texts(there), strict=True)
    }
    return [Passage(*(said.get(index, "") for index in row)) for row in around.tolist()]
