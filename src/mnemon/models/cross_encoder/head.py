"""The head: what makes a score of what the encoder says, as a tuning's file holds it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mnemon.models.tuning import unusable

HEAD = "head."
LAYERS = ("near.weight", "hidden.weight", "hidden.bias", "last.weight", "last.bias")


def checked(tuning: Path, tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The head's tensors by the names of `LAYERS`.

    Raises:
        EmbedderError: one is missing.
    """
    try:
        return {name: tensors[f"{HEAD}{name}"] for name in LAYERS}
    except KeyError as error:
        raise unusable(tuning, f"it has no {error}: it is no cross-encoder's") from error
