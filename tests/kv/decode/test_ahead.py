"""Layers whose pages are fetched attend to the pages of the token, and to nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close
from transformers import LlamaConfig, LlamaForCausalLM

from mnemon.errors import InvalidInput
from mnemon.kv.decode.ahead import waits
from mnemon.kv.decode.fetch import FetchedRows, fetched
from mnemon.kv.decode.rows import PackedRows
from mnemon.kv.decode.step import GraphStep

LAYERS, HEADS, PAGES, PAGE, SIZE = 4, 2, 6, 4, 8


@pytest.fixture(scope="module")
def model() -> Any:
    torch.manual_seed(0)
    shape = LlamaConfig(
        hidden_size=32, intermediate_size=48, num_hidden_layers=LAYERS, num_attention_heads=4,
        num_key_value_heads=HEADS, head_dim=SIZE, vocab_size=61, initializer_range=0.3,
        bos_token_id=None, eos_token_id=None, pad_token_id=None,
    )  # fmt: skip
    return LlamaForCausalLM(shape).eval()


def pages(chosen: Tensor, rooms: int) -> list[FetchedRows]:
    generator = torch.Generator().manual_seed(1)
    made: list[FetchedRows] = []
    for _ in range(LAYERS):
        keys, values = torch.randn(2, HEADS, PAGES, PAGE, SIZE, generator=generator)
        rows = fetched(keys, values, chosen, keep=rooms == LAYERS)
        if len(made) >= rooms:
            rows = replace(rows, plain=made[-rooms].plain)
        made.append(rows)
    return made


def picked(rows: FetchedRows, chosen: Tensor) -> PackedRows:
    row = torch.arange(HEADS)[:, None]
    keys, values = (
        host[row, chosen.long()].flatten(0, 2) for host in (rows.host_keys, rows.host_values)
    )
    return PackedRows(keys, values, rows.starts)


@pytest.mark.parametrize("rooms", [1, 2, LAYERS])
def test_each_token_attends_to_the_pages_that_were_chosen_for_it(model: Any, rooms: int) -> None:
    turns = torch.tensor([[[0, 1], [2, 3]], [[4, 1], [2, 3]], [[4, 1], [5, 0]]], dtype=torch.int32)
    chosen = turns[0].clone()
    rows = pages(chosen, rooms)
    step = GraphStep(model, rows, position=PAGES * PAGE)
    token = torch.tensor([7])
    for count, turn in enumerate(turns):
        chosen.copy_(turn)
        plain = [picked(one, turn) for one in rows]
        other = GraphStep(model, plain, position=PAGES * PAGE + count, tails=step.tails)
        expected = other(token).clone()
        step.tails[0].length.fill_(count)
        assert_close(step(token), expected, rtol=0, atol=0)


def test_pages_that_are_held_are_not_fetched_again(model: Any) -> None:
    chosen = torch.tensor([[0, 1], [2, 3]], dtype=torch.int32)
    rows = pages(chosen, LAYERS)
    step = GraphStep(model, rows, position=PAGES * PAGE)
    step(torch.tensor([7]))
    rows[0].plain.keys.zero_()
    chosen[0, 1] = 5
    step(torch.tensor([7]))
    read = rows[0].plain.keys.view(HEADS, 2, PAGE, SIZE)
    assert_close(read[0, 1], rows[0].host_keys[0, 5], rtol=0, atol=0)
    assert not read[0, 0].any() and not read[1].any()


def test_a_layer_waits_for_the_last_one_that_shares_its_room() -> None:
    chosen = torch.tensor([[0, 1], [2, 3]], dtype=torch.int32)
    assert waits([[one] for one in pages(chosen, 1)]) == [-1, 0, 1, 2]
    assert waits([[one] for one in pages(chosen, 2)]) == [-1, -1, 0, 1]
    assert waits([[one] for one in pages(chosen, LAYERS)]) == [-1] * LAYERS
    assert waits([[], *([one] for one in pages(chosen, 1)[:2])]) == [-1, -1, 1]


def test_pages_cannot_be_held_where_others_are_fetched(model: Any) -> None:
    chosen = torch.tensor([[0, 1], [2, 3]], dtype=torch.int32)
    rows = [replace(one, held=torch.full_like(chosen, -1)) for one in pages(chosen, 2)]
    with pytest.raises(InvalidInput, match="layer 0 holds pages in a room that others"):
        GraphStep(model, rows, position=PAGES * PAGE)
