"""Any model of the sentence-transformers library, run on this machine.

Reimers and Gurevych 2019 (https://arxiv.org/abs/1908.10084); the code is the library's own
(https://github.com/UKPLab/sentence-transformers, Apache-2.0), an optional package.
How ours differs: blank texts give zero rows. The model's own prompts are used where it has them
(`query` for questions; `document` or `passage` for memories). A text is cut at the model's
`max_seq_length`, often 256 or 512 tokens. Each model has its own licence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from mnemon.models.sentences import encoded, opened
from mnemon.models.vectors import embedded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["SentenceTransformersEmbedder"]

DOCUMENT_PROMPTS, QUERY_PROMPTS = ("document", "passage"), ("query",)


@dataclass(frozen=True)
class SentenceTransformersEmbedder:
    """Embeds with a model by its name on the Hugging Face hub, or in a local folder.

    Attributes:
        model: hub name or folder.
        revision: the hub's commit, tag or branch; "" is the newest, so name one to keep an
            embedding space the same on every machine.
        device: as torch names it, such as `cuda:0`; None lets the library choose.
        batch_size: texts in one forward pass.
    """

    model: str = "all-MiniLM-L6-v2"
    revision: str = ""
    device: str | None = None
    batch_size: int = 32

    @property
    def dimension(self) -> int:
        loaded = self._loaded
        # The library is renaming this method: 6.x has both, 3.x only the longer name.
        name = "get_embedding_dimension"
        ask = getattr(loaded, name, None) or loaded.get_sentence_embedding_dimension
        return int(ask())

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows float32 [N, D]; see `Embedder.embed`."""
        return self._encode(texts, DOCUMENT_PROMPTS)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """A unit row float32 [D], with the model's query prompt if it has one."""
        row: NDArray[np.float32] = self._encode([text], QUERY_PROMPTS)[0]
        return row

    def _encode(self, texts: Sequence[str], prompts: tuple[str, ...]) -> NDArray[np.float32]:
        def ask(said: list[str]) -> Any:
            loaded = self._loaded
            prompt = next((name for name in prompts if loaded.prompts.get(name)), None)
            return encoded(self.model, loaded, said, self.batch_size, prompt)

        return embedded(self, texts, ask, None)

    @property
    def _loaded(self) -> Any:
        return _load(self.model, self.revision, self.device)


_load = cache(opened)
