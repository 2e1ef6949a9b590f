"""Models of the fastembed library: ONNX on the CPU, without torch.

The code is the library's own (https://github.com/qdrant/fastembed, Apache-2.0), an optional
package; it downloads a model's weights when that model is first used.
How ours differs: blank texts give zero rows. Each model has its own licence.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from mnemon.errors import EmbedderError, UnknownName
from mnemon.models.extras import require
from mnemon.models.vectors import embedded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["FastEmbedEmbedder"]


@dataclass(frozen=True)
class FastEmbedEmbedder:
    """Embeds with a model that fastembed supports.

    Attributes:
        model: a name from `fastembed.TextEmbedding.list_supported_models()`.
        cache_dir: where weights are kept; None is the library's own choice.
        threads: for the ONNX runtime; None lets it choose.
        batch_size: texts in one forward pass.
    """

    model: str = "BAAI/bge-small-en-v1.5"
    cache_dir: str | None = None
    threads: int | None = None
    batch_size: int = 256

    @property
    def revision(self) -> str:
        """The library's minor version: it fixes the weights and how they are pooled."""
        require("fastembed", "fastembed", "fastembed")
        major, minor, *_ = importlib.metadata.version("fastembed").split(".")
        return f"fastembed-{major}.{minor}"

    @property
    def dimension(self) -> int:
        """From the library's list of models: nothing is downloaded."""
        library = require("fastembed", "fastembed", "fastembed")
        for known in library.TextEmbedding.list_supported_models():
            if known["model"].lower() == self.model.lower():
                return int(known["dim"])
        raise UnknownName(
            f"fastembed has no model {self.model!r}: "
            "fastembed.TextEmbedding.list_supported_models() lists its models"
        )

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows float32 [N, D]; see `Embedder.embed`."""
        return self._encode(texts, self._loaded.embed)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """A unit row float32 [D], with the model's query prompt if it has one."""
        row: NDArray[np.float32] = self._encode([text], self._loaded.query_embed)[0]
        return row

    def _encode(
        self, texts: Sequence[str], verb: Callable[..., Iterable[Any]]
    ) -> NDArray[np.float32]:
        def ask(said: list[str]) -> list[Any]:
            try:
                return list(verb(said, batch_size=self.batch_size))
            except (RuntimeError, ValueError) as error:
                raise EmbedderError(f"{self.model!r} failed to embed: {error}") from error

        return embedded(self, texts, ask, self.dimension)

    @property
    def _loaded(self) -> Any:
        self.dimension  # noqa: B018  (an unknown model is named before anything is downloaded)
        return _load(self.model, self.cache_dir, self.threads)


@cache
def _load(model: str, cache_dir: str | None, threads: int | None) -> Any:
    library = require("fastembed", "fastembed", "fastembed")
    try:
        return library.TextEmbedding(model, cache_dir=cache_dir, threads=threads)
    except (OSError, RuntimeError, ValueError) as error:
        raise EmbedderError(
            f"{model!r} cannot be loaded ({error}): its weights are downloaded on first use, "
            "or give cache_dir= where they already are"
        ) from error
