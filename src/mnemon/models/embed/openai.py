"""Any OpenAI-compatible embeddings endpoint: OpenAI itself, vLLM, Ollama, llama.cpp, TEI and so on.

`POST {base_url}/embeddings`, as https://platform.openai.com/docs/api-reference/embeddings says, by
the `openai` library (https://github.com/openai/openai-python, Apache-2.0), an optional package.
How ours differs: texts go in batches, blank ones are not sent and give zero rows, and each answer's
count, order and dimension are checked. Texts leave this machine for the endpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import InitVar, dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from mnemon.errors import EmbedderError, InvalidInput
from mnemon.models.endpoint import OPENAI, key
from mnemon.models.extras import require
from mnemon.models.vectors import embedded

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["OpenAIEmbedder"]


@dataclass(frozen=True)
class OpenAIEmbedder:
    """Embeds through an HTTP endpoint.

    The key itself is no field: options are printed and recorded as provenance, keys must not be.

    Attributes:
        model: as the endpoint names it.
        revision: your own label for the weights behind the name; recorded with the vectors.
        base_url: up to and including `/v1`.
        api_key: passed once, kept out of the options; without it `api_key_env` is read.
        api_key_env: the environment variable with the key. A local server may need none.
        dimensions: D, sent to the endpoint; None takes the model's own.
        timeout: seconds for one request.
        max_retries: after the first try; the library waits longer each time.
        batch_size: texts in one request.
    """

    model: str = "text-embedding-3-small"
    revision: str = ""
    base_url: str = OPENAI
    api_key: InitVar[str | None] = None
    api_key_env: str = "OPENAI_API_KEY"
    dimensions: int | None = None
    timeout: float = 30.0
    max_retries: int = 2
    batch_size: int = 128

    def __post_init__(self, api_key: str | None) -> None:
        if self.batch_size < 1:
            raise InvalidInput(f"batch_size is {self.batch_size}: it must be at least 1")
        object.__setattr__(self, "_api_key", api_key)

    @property
    def dimension(self) -> int:
        """`dimensions`, or else what the endpoint answers: one short request, then remembered."""
        return self.dimensions or _probed(self, self._key)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit rows float32 [N, D]; see `Embedder.embed`."""
        return embedded(self, texts, self._ask, self.dimensions)

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """The same as `embed([text])[0]`, float32 [D]: the protocol has no query prompt."""
        row: NDArray[np.float32] = self.embed([text])[0]
        return row

    def _ask(self, texts: list[str]) -> list[Any]:
        rows: list[Any] = []
        for start in range(0, len(texts), self.batch_size):
            rows += self._request(texts[start : start + self.batch_size])
        return rows

    def _request(self, batch: list[str]) -> list[Any]:
        library = require("openai", "openai", "openai")
        client = _client(self.base_url, self._key, self.timeout, self.max_retries)
        size = {} if self.dimensions is None else {"dimensions": self.dimensions}
        try:
            # "float": not every compatible server knows base64, the library's own default.
            answer = client.embeddings.create(
                model=self.model, input=batch, encoding_format="float", **size
            )
        except (library.OpenAIError, ValueError) as error:
            raise EmbedderError(
                f"{self.model!r} at {self.base_url} failed to embed {len(batch)} texts: {error}"
            ) from error
        return self._in_order(answer, len(batch))

    def _in_order(self, answer: Any, count: int) -> list[Any]:
        """The answer's vectors, by the index each has: the order is not promised."""
        data = getattr(answer, "data", None) or []
        places = [getattr(item, "index", None) for item in data]
        if sorted(place for place in places if place is not None) != list(range(count)):
            raise EmbedderError(
                f"{self.model!r} at {self.base_url} answered {len(places)} vectors for {count} "
                "texts: check that base_url is an embeddings endpoint"
            )
        return [item.embedding for item in sorted(data, key=lambda item: int(item.index))]

    @property
    def _key(self) -> str:
        given = getattr(self, "_api_key", None)
        return key(given, self.base_url, self.api_key_env, EmbedderError)


@cache
def _client(base_url: str, key: str, timeout: float, max_retries: int) -> Any:
    library = require("openai", "openai", "openai")
    return library.OpenAI(base_url=base_url, api_key=key, timeout=timeout, max_retries=max_retries)


@cache
def _probed(embedder: OpenAIEmbedder, key: str) -> int:
    return int(embedder.embed(["dimension"]).shape[1])
