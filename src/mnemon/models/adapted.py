"""A sentence encoder tuned for recall: a model of sentence-transformers, and an adapter of ours.

The model is loaded by that library, an optional package, on first use. The adapter (LoRA,
`mnemon.models.lora`) was trained on questions about long conversations against all turns of the
conversation, alone and with those beside them (`scripts/tune_embedder.py`: LoCoMo and the chats in
`training/conversations`). How it differs from the model itself: greetings and turns that ask no
longer attract questions. Each model that has an adapter is a file of `models/embed`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mnemon.models import lora, tuning
from mnemon.models.sentences import encoded, opened
from mnemon.models.vectors import embedded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

RECALL = Path(__file__).parent / "recall"


@dataclass(frozen=True)
class AdaptedEncoder:
    """Embeds with the adapted model.

    Attributes:
        base: hub name, or a local folder, of the model; another one is refused.
        tuning: an adapter as `scripts/tune_embedder.py` writes it; None is the bundled one,
            "" is none: the model as it is.
        device: as torch names it, such as `cuda:0`; None lets the library choose.
        batch_size: texts in one forward pass.
    """

    base: str = ""
    tuning: str | None = None
    device: str | None = None
    batch_size: int = 32

    model: ClassVar[str]
    """The same for every `base`: an adapter fits one model only."""
    dimension: ClassVar[int]
    bundled: ClassVar[Path]

    @property
    def revision(self) -> str:
        """The adapter's digest."""
        return "untuned" if self._path is None else tuning.digest(self._path)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows float32 [N, D]; see `Embedder.embed`."""

        def ask(said: list[str]) -> Any:
            loaded = _load(self.base, self._path, self.device)
            return encoded(self.base, loaded, said, self.batch_size)

        return embedded(self, texts, ask, None)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The same as `embed([text])[0]`, float32 [D]."""
        row: NDArray[np.float32] = self.embed([text])[0]
        return row

    @property
    def _path(self) -> Path | None:
        if self.tuning is None:
            return self.bundled
        return Path(self.tuning) if self.tuning else None


@cache
def _load(base: str, adapter: Path | None, device: str | None) -> Any:
    loaded = opened(base, "", device)
    if adapter is not None:
        lora.merge(adapter, loaded[0].auto_model)
    return loaded
