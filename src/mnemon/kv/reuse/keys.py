"""Keys of kept blocks: a chain of SHA-256 digests, never Python's `hash`."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Protocol

import numpy as np


class Decided(Protocol):
    """Whatever has a digest of all that decides keys and values, such as a `Fingerprint`."""

    @property
    def digest(self) -> str:
        """SHA-256 in hex."""
        ...


def root(fingerprint: Decided, salt: str = "", policy: str = "") -> str:
    """What a chain begins with: the model, whose blocks they are, and how they are stored.

    Args:
        salt: the tenant; two salts never share a block.
        policy: `Policy.to_json()` of a compressed form; empty for keys and values as they are.
    """
    told = "\0".join((fingerprint.digest, salt, policy))
    return hashlib.sha256(told.encode()).hexdigest()


def following(parent: str, tokens: Sequence[int]) -> str:
    """The key of the block of `tokens` that continues the block `parent` (or a root)."""
    told = hashlib.sha256(bytes.fromhex(parent))
    told.update(np.asarray(tokens, dtype="<i4").tobytes())
    return told.hexdigest()


def chain(parent: str, tokens: Sequence[int], size: int) -> list[str]:
    """Keys of the whole blocks of `size` tokens at the head of `tokens`, in order."""
    keys = []
    for begin in range(0, len(tokens) - size + 1, size):
        parent = following(parent, tokens[begin : begin + size])
        keys.append(parent)
    return keys
