"""The sentence-transformers library, an optional package: opening a model, and asking it."""

from __future__ import annotations

from typing import Any

from mnemon.errors import EmbedderError
from mnemon.models.extras import require


def opened(model: str, revision: str, device: str | None) -> Any:
    """A model by hub name or folder, in memory of its own.

    Raises:
        EmbedderError: it cannot be loaded.
        MissingExtra: the library is not installed.
    """
    library = require("sentence_transformers", "sentence-transformers", "sentence-transformers")
    try:
        return library.SentenceTransformer(model, revision=revision or None, device=device)
    except (OSError, RuntimeError, ValueError) as error:
        raise EmbedderError(
            f"{model!r} cannot be loaded ({error}): give a model on the hub or a local folder"
        ) from error


def encoded(
    name: str, loaded: Any, texts: list[str], batch_size: int, prompt: str | None = None
) -> Any:
    """What a loaded model answers, as an array [N, D]; `name` is for errors.

    Raises:
        EmbedderError: it failed.
    """
    try:
        return loaded.encode(
            texts,
            batch_size=batch_size,
            prompt_name=prompt,
            show_progress_bar=False,
            convert_to_numpy=True,
        )
    except (RuntimeError, ValueError) as error:
        raise EmbedderError(f"{name!r} failed to embed: {error}") from error
