"""Where a model's files are: in a folder, in an installed package, or on the Hugging Face hub."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from mnemon.errors import EmbedderError
from mnemon.models.extras import require

_FILES = ("*.json", "vocab.txt", "model.safetensors")


def folder(model: str) -> Path:
    """A local folder, or a model of the hub, which is fetched once and kept where the hub's library
    keeps models.

    Raises:
        EmbedderError: there is no such model, or the hub cannot be reached.
        MissingExtra: it is no folder, and huggingface_hub is not installed.
    """
    here = Path(model)
    if here.is_dir():
        return here
    hub = require("huggingface_hub", "huggingface-hub", "encoders")
    try:
        return Path(hub.snapshot_download(model, allow_patterns=list(_FILES)))
    except (OSError, ValueError, hub.errors.HfHubHTTPError) as error:
        raise EmbedderError(
            f"{model!r} cannot be loaded ({error}): give a model on the hub or a local folder"
        ) from error


@cache
def packaged(package: str) -> str | None:
    """The folder `model` of a package that is nothing but a model; None if it is not installed."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        return None
    found = Path(spec.origin).parent / "model"
    return str(found) if found.is_dir() else None
