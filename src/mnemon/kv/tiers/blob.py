"""Blob: what a tier holds. One key, a small JSON header, named tensors; checked when it is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from safetensors import SafetensorError
from safetensors.torch import load, save

from mnemon.errors import MnemonError

if TYPE_CHECKING:
    from torch import Tensor

_DIGEST = hashlib.sha256
_HEAD = 64


class DamagedBlob(MnemonError):
    """The bytes are not what was written under this key: they must be computed again."""


@dataclass(frozen=True)
class Blob:
    """Tensors under the key that decides their content.

    Attributes:
        key: 64 hexadecimal digits.
        header: JSON data: `form`, `tokens` (how many), what made it, what it cost (`seconds`).
        tensors: by name.
    """

    key: str
    header: Mapping[str, Any]
    tensors: Mapping[str, Tensor]

    @property
    def nbytes(self) -> int:
        """Bytes of its tensors."""
        return sum(one.numel() * one.element_size() for one in self.tensors.values())


def encode(blob: Blob) -> bytes:
    """A blob as bytes: SHA-256 (in hex) of all that follows, then a safetensors file."""
    told = json.dumps({"key": blob.key, **blob.header}, sort_keys=True)
    tensors = {name: one.detach().cpu().contiguous() for name, one in blob.tensors.items()}
    body = save(tensors, metadata={"mnemon": told})
    return _DIGEST(body).hexdigest().encode() + body


def decode(data: bytes | memoryview, key: str) -> Blob:
    """The blob that was encoded, on the CPU.

    Raises:
        DamagedBlob: a byte differs, some are missing, or it is the blob of another key.
    """
    view = memoryview(data)
    body = view[_HEAD:]
    if len(view) <= _HEAD or _DIGEST(body).hexdigest().encode() != bytes(view[:_HEAD]):
        raise DamagedBlob(f"blob {key[:16]} is damaged: its checksum differs")
    try:
        size = int.from_bytes(body[:8], "little")
        header = json.loads(json.loads(bytes(body[8 : 8 + size]))["__metadata__"]["mnemon"])
        tensors = load(bytes(body))
    except (SafetensorError, ValueError, KeyError) as error:
        raise DamagedBlob(f"blob {key[:16]} cannot be read: {error}") from error
    if header.pop("key") != key:
        raise DamagedBlob(f"under the key {key[:16]} lies the blob of another")
    return Blob(key, header, tensors)
