"""all-MiniLM-L6-v2 tuned for recall: a question's vector is near the turns that answer it.

Model: https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), loaded by the
sentence-transformers library, an optional package, on first use. Ours is a rank-16 adapter (LoRA,
`mnemon.models.lora`) trained on questions about long conversations against all turns of the
conversation, alone and with those beside them (`scripts/tune_embedder.py`: LoCoMo and the chats in
`training/conversations`). How it differs from the model itself: greetings and turns that ask no
longer attract questions. Limits: English; a text is cut at 256 word-pieces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mnemon.models import lora, tuning
from mnemon.models.sentences import encoded, opened
from mnemon.models.vectors import embedded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MiniLM"]

BUNDLED = Path(__file__).parent.parent / "recall" / "minilm.safetensors"


@dataclass(frozen=True)
class MiniLM:
    """Embeds with the adapted model.

    Attributes:
        base: hub name, or a local folder, of all-MiniLM-L6-v2; another model is refused.
        tuning: an adapter as `scripts/tune_embedder.py` writes it; None is the bundled one,
            "" is none: the model as it is.
        device: as torch names it, such as `cuda:0`; None lets the library choose.
        batch_size: texts in one forward pass.
    """

    base: str = "sentence-transformers/all-MiniLM-L6-v2"
    tuning: str | None = None
    device: str | None = None
    batch_size: int = 32

    @property
    def model(self) -> str:
        """The same for every `base`: an adapter fits one model only."""
        return "mnemon-minilm-l6-recall"

    @property
    def revision(self) -> str:
        """The adapter's digest."""
        return "untuned" if self._path is None else tuning.digest(self._path)

    @property
    def dimension(self) -> int:
        return 384

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows float32 [N, 384]; see `Embedder.embed`."""

        def ask(said: list[str]) -> Any:
            loaded = _load(self.base, self._path, self.device)
            return encoded(self.base, loaded, said, self.batch_size)

        return embedded(self, texts, ask, None)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The same as `embed([text])[0]`, float32 [384]."""
        row: NDArray[np.float32] = self.embed([text])[0]
        return row

    @property
    def _path(self) -> Path | None:
        if self.tuning is None:
            return BUNDLED
        return Path(self.tuning) if self.tuning else None


@cache
def _load(base: str, adapter: Path | None, device: str | None) -> Any:
    loaded = opened(base, "", device)
    if adapter is not None:
        lora.merge(adapter, loaded[0].auto_model)
    return loaded
