"""Blob: what a tier holds. One key, a small JSON header, named tensors; checked when it is read.

As bytes a blob is a safetensors file. Its metadata has the key, the header and the SHA-256 of every
tensor, and the SHA-256 of the file's own head (with zeros in its place): so each tensor can be
checked by itself as soon as it is there, several at once, and no byte of the file is unchecked.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from safetensors.torch import save

from mnemon.errors import DamagedBlob, InvalidInput

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Blob", "DamagedBlob", "Head", "Piece", "as_read", "decode", "encode", "parse", "whole"]
_DIGEST = hashlib.sha256
_OWN = re.compile(rb'"sha256":"([0-9a-f]{64})"')
_UNKNOWN = b'"sha256":"' + b"0" * 64 + b'"'
_TYPES = {
    "BOOL": torch.bool, "U8": torch.uint8, "I8": torch.int8, "I16": torch.int16,
    "I32": torch.int32, "I64": torch.int64, "F16": torch.float16, "BF16": torch.bfloat16,
    "F32": torch.float32, "F64": torch.float64, "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
}  # fmt: skip


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


@dataclass(frozen=True)
class Piece:
    """One tensor of a blob: bytes `begin … end` after the head, and their SHA-256."""

    name: str
    dtype: torch.dtype
    shape: tuple[int, ...]
    begin: int
    end: int
    digest: str

    def tensor(self, body: Tensor) -> Tensor:
        """The tensor, in the storage of `body` (`[bytes]` uint8, all that follows the head).

        Raises:
            DamagedBlob: its bytes are not those that were written.
        """
        part = body[self.begin : self.end]
        if _DIGEST(part.numpy().data).hexdigest() != self.digest:
            raise DamagedBlob(f"the checksum of {self.name} differs")
        return part.view(self.dtype).view(self.shape)


@dataclass(frozen=True)
class Head:
    """What stands at the beginning of a blob's bytes, checked.

    Attributes:
        header: of the blob. pieces: its tensors, in the order of layers.
        start: bytes of the head. nbytes: of all that follows it.
    """

    key: str
    header: Mapping[str, Any]
    pieces: tuple[Piece, ...]
    start: int
    nbytes: int


def encode(blob: Blob) -> bytearray:
    """A blob as bytes, ready to be written."""
    tensors = {name: one.detach().cpu().contiguous() for name, one in blob.tensors.items()}
    with ThreadPoolExecutor() as pool:  # a digest lets other threads work
        digests = dict(zip(tensors, pool.map(_checksum, tensors.values()), strict=True))
    told = json.dumps({"key": blob.key, "header": dict(blob.header), "tensors": digests})
    data = bytearray(save(tensors, metadata={"mnemon": told, "sha256": "0" * 64}))
    end = 8 + int.from_bytes(data[:8], "little")
    own = _DIGEST(data[:end]).hexdigest().encode()
    data[:end] = data[:end].replace(_UNKNOWN, b'"sha256":"' + own + b'"')
    return data


def _checksum(tensor: Tensor) -> str:
    return _DIGEST(tensor.reshape(-1).view(torch.uint8).numpy().data).hexdigest()


def whole(data: bytes | bytearray | memoryview) -> int:
    """Bytes of the head of a blob that begins with `data` (8 bytes are enough)."""
    return 8 + int.from_bytes(bytes(data[:8]), "little")


def parse(data: bytes | bytearray, key: str, size: int) -> Head:
    """The head of a blob, given in full, of a file of `size` bytes.

    Raises:
        DamagedBlob: a byte differs, the file is shorter or longer, or it is of another key.
    """
    found = _OWN.findall(data)
    if len(found) != 1 or whole(data) != len(data):
        raise DamagedBlob("it has no head")
    if _DIGEST(_OWN.sub(_UNKNOWN, data)).hexdigest().encode() != found[0]:
        raise DamagedBlob("the checksum of its head differs")
    try:
        table = json.loads(data[8:])
        told = json.loads(table.pop("__metadata__")["mnemon"])
        pieces = tuple(_piece(name, one, told["tensors"][name]) for name, one in table.items())
        of, header = told["key"], told["header"]
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedBlob(f"its head cannot be read: {error!r}") from error
    if of != key:
        raise DamagedBlob(f"it is the blob of another key, {of[:16]}")
    end = max((one.end for one in pieces), default=0)
    if len(data) + end != size:
        raise DamagedBlob(f"it has {size} bytes and should have {len(data) + end}")
    return Head(key, header, tuple(sorted(pieces, key=_place)), len(data), end)


def decode(data: bytes | bytearray | memoryview, key: str) -> Blob:
    """The blob that was encoded, on the CPU.

    Raises:
        DamagedBlob: a byte differs, some are missing, or it is the blob of another key.
    """
    if len(data) < 8 or whole(data) > len(data):
        raise DamagedBlob("it has no head")
    start = whole(data)
    head = parse(bytes(data[:start]), key, len(data))
    body = torch.empty(head.nbytes, dtype=torch.uint8)
    body.numpy().data[:] = memoryview(data)[start:]
    return Blob(key, head.header, {one.name: one.tensor(body) for one in head.pieces})


def as_read(header: dict[str, Any]) -> dict[str, Any]:
    """A header as it comes back from a file.

    Raises:
        InvalidInput: it is no JSON data.
    """
    try:
        return dict(json.loads(json.dumps(header)))
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"the header of a blob must be JSON data: {error}") from error


def _piece(name: str, told: Mapping[str, Any], digest: str) -> Piece:
    begin, end = told["data_offsets"]
    return Piece(name, _TYPES[told["dtype"]], tuple(told["shape"]), begin, end, digest)


def _place(piece: Piece) -> tuple[int, str]:
    """What belongs to no layer first, then layer by layer."""
    number = re.search(r"\.(\d+)(?:\.|$)", piece.name)
    return (-1 if number is None else int(number[1])), piece.name
