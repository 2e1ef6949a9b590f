"""Segments: the conversation's turns in order, none lost."""

from __future__ import annotations

from typing import Any

import pytest

from mnemon.bench.recall import BOS, ids
from mnemon.bench.reuse.history import History
from mnemon.errors import InvalidInput
from mnemon.kv.episodes.segments import conversation, segments


def test_segments_are_the_conversation_in_order(tokenizer: Any, told: History) -> None:
    found = segments(tokenizer, told.turns, 5)
    assert [(one.first, one.last) for one in found] == [(0, 5), (5, 10), (10, 12)]
    assert conversation(tokenizer, found) == [BOS, *ids(" ".join(told.turns))]
    assert found[1].tokens == ids(" ".join(told.turns[5:10]))
    assert found[1].text == "\n".join(told.turns[5:10])


@pytest.mark.parametrize(("turns", "window"), [([], 4), (["the", ""], 4), (["the"], 0)])
def test_no_turns_or_empty_ones_are_refused(tokenizer: Any, turns: list[str], window: int) -> None:
    with pytest.raises(InvalidInput, match="turn"):
        segments(tokenizer, turns, window)
