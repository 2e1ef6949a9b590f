"""What names the weights that vLLM serves: the same in the scheduler and in every worker."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from mnemon.errors import InvalidInput
from mnemon.models.extras import require

_READ = 1 << 24
_DECIDING = (".json", ".safetensors", ".bin", ".pt", ".gguf", ".model", ".txt")


def named(model: str, revision: str | None) -> str:
    """A digest of a folder's files, or the commit of a model of the Hugging Face hub.

    Args:
        model: a folder, or a name on the hub that has been downloaded.

    Raises:
        InvalidInput: neither; the message says how to name the weights oneself.
    """
    folder = Path(model)
    if folder.is_dir():
        return of_folder(folder)
    hub = require("huggingface_hub", "huggingface-hub", "vllm")
    try:
        snapshot = hub.snapshot_download(model, revision=revision, local_files_only=True)
    except (OSError, ValueError) as error:
        raise InvalidInput(
            f"the weights of {model!r} cannot be told apart from others: no folder of that name,"
            " and not among the downloaded models; give kv_connector_extra_config 'weights', a"
            " text that changes whenever they do"
        ) from error
    return Path(snapshot).name


def of_folder(folder: Path) -> str:
    """SHA-256 over the names and contents of a model folder's files; all bytes are read."""
    files = sorted(_files(folder))
    with ThreadPoolExecutor() as pool:
        digests = list(pool.map(_digest, files))
    told = "\0".join(f"{file.name} {one}" for file, one in zip(files, digests, strict=True))
    return hashlib.sha256(told.encode()).hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    return (one for one in folder.iterdir() if one.suffix in _DECIDING and one.is_file())


def _digest(file: Path) -> str:
    told = hashlib.sha256()
    with file.open("rb") as opened:
        while part := opened.read(_READ):
            told.update(part)
    return told.hexdigest()
