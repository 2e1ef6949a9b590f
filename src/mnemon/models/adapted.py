"""A sentence encoder tuned for recall: a model of sentence-transformers, and an adapter of ours.

The adapter (LoRA, `mnemon.models.lora`) was trained on questions about long conversations against
all turns of the conversation, alone and with those beside them (`scripts/tune_embedder.py`: LoCoMo
and the chats in `training/conversations`). How it differs from the model itself: greetings and
turns that ask no longer attract questions. Each model that has an adapter is a file of
`models/embed`. numpy runs it (`mnemon.models.transformer`, the extra `encoders`), or on a device
that is named torch (the extra `sentence-transformers`); vectors are the same to 1e-5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from mnemon.models import hub, lora, tuning
from mnemon.models.sentences import encoded, opened
from mnemon.models.vectors import embedded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mnemon.models.transformer import Encoder

RECALL = Path(__file__).parent / "recall"


@dataclass(frozen=True)
class AdaptedEncoder:
    """Embeds with the adapted model.

    Attributes:
        base: hub name, or a local folder, of the model; another one is refused.
        tuning: an adapter as `scripts/tune_embedder.py` writes it; None is the bundled one,
            "" is none: the model as it is.
        device: for torch, as it names it, such as `cuda:0` or `cpu`; None is numpy.
        batch_size: texts in one forward pass of torch.
    """

    base: str = ""
    tuning: str | None = None
    device: str | None = None
    batch_size: int = 32

    model: ClassVar[str]
    """The same for every `base`: an adapter fits one model only."""
    dimension: ClassVar[int]
    longest: ClassVar[int]
    """Word-pieces of a text that are read."""
    bundled: ClassVar[Path]
    package: ClassVar[str | None] = None
    """A package that holds the model: where it is installed, the hub is not asked for `base`."""

    @property
    def revision(self) -> str:
        """The adapter's digest."""
        return "untuned" if self._path is None else tuning.digest(self._path)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows float32 [N, D]; see `Embedder.embed`."""
        ask = self._by_numpy if self.device is None else self._by_torch
        return embedded(self, texts, ask, None)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The same as `embed([text])[0]`, float32 [D]."""
        row: NDArray[np.float32] = self.embed([text])[0]
        return row

    def _by_numpy(self, texts: list[str]) -> Any:
        return _in_numpy(self.place, self._path, self.longest).encode(texts)

    def _by_torch(self, texts: list[str]) -> Any:
        loaded = _in_torch(self.place, self._path, self.device)
        return encoded(self.base, loaded, texts, self.batch_size)

    @property
    def place(self) -> str:
        """Where the model is opened from: a folder, or a name on the hub."""
        own = self.package if self.base == type(self).base else None
        return (hub.packaged(own) if own else None) or self.base

    @property
    def _path(self) -> Path | None:
        if self.tuning is None:
            return self.bundled
        return Path(self.tuning) if self.tuning else None


@cache
def _in_numpy(base: str, adapter: Path | None, longest: int) -> Encoder:
    from mnemon.models import transformer

    return transformer.opened(hub.folder(base), adapter, longest)


@cache
def _in_torch(base: str, adapter: Path | None, device: str | None) -> Any:
    loaded = opened(base, "", device)
    if adapter is not None:
        lora.merge(adapter, loaded[0].auto_model)
    return loaded
