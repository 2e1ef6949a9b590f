"""A block survives being a blob, byte for byte."""

from __future__ import annotations

import pytest
import torch

from mnemon.errors import InvalidInput
from mnemon.kv.reuse.block import Block
from mnemon.kv.reuse.packing import blob_of, block_of
from mnemon.kv.tiers.blob import Blob, decode, encode

KEY = "ab" * 32


def block(layers: int = 11, tokens: int = 5, start: int = 7) -> Block:
    keys = tuple(torch.randn(2, tokens, 4) for _ in range(layers))
    values = tuple(torch.randn(2, tokens, 6) for _ in range(layers))
    return Block(torch.arange(tokens, dtype=torch.int32), keys, values, start)


def test_a_block_is_itself_after_it_was_written_and_read() -> None:
    one = block()
    blob = decode(encode(blob_of(one, KEY, form="kv-block", model="tiny")), KEY)
    back = block_of(blob)
    assert dict(blob.header) == {"form": "kv-block", "model": "tiny", "tokens": 5, "start": 7}
    assert back.start == 7 and torch.equal(back.tokens, one.tokens)
    assert all(torch.equal(*pair) for pair in zip(back.keys, one.keys, strict=True))
    assert all(torch.equal(*pair) for pair in zip(back.values, one.values, strict=True))


def test_a_blob_of_something_else_is_no_block() -> None:
    with pytest.raises(InvalidInput, match="no block"):
        block_of(Blob(KEY, {}, {"weights": torch.zeros(2)}))
