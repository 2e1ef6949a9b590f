"""A tuning: a file of what an embedder learned of recall, told from others by its digest."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from mnemon.errors import EmbedderError


@cache
def digest(path: Path) -> str:
    """Eight hexadecimal digits that tell one tuning from another.

    Raises:
        EmbedderError: there is no such file.
    """
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:8]
    except OSError as error:
        raise unusable(path, error) from error


def unusable(path: Path, why: object) -> EmbedderError:
    """What is raised for a tuning that does not serve."""
    return EmbedderError(
        f"the tuning {path} cannot be used ({why}): reinstall mnemon, "
        "or make it with scripts/tune_embedder.py or scripts/train_cross_encoder.py"
    )
