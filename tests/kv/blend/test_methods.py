"""What each method chooses, and that choosing well answers what concatenation does not."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from tests.kv.blend.texts import greedy, segments, texts, words
from torch import Tensor
from transformers import PreTrainedModel

from mnemon.bench.reuse.blend import figures, measure_blend
from mnemon.errors import InvalidInput
from mnemon.kv.blend.cacheblend import CacheBlend
from mnemon.kv.blend.epic import Epic
from mnemon.kv.blend.mentions import Mentions
from mnemon.kv.reuse.blend_view import Blended, BlendView
from mnemon.kv.reuse.blending import Segment, blended
from mnemon.kv.reuse.chunk import chunk
from mnemon.kv.reuse.partial import Look, Narrow
from mnemon.models import recall_lm


class Noting(BlendView):
    """A view that notes what was chosen."""

    def computed(self, chosen: Tensor, narrow: Mapping[int, Narrow] | None = None) -> Blended:
        Noting.chosen, Noting.narrow = chosen, narrow or {}  # type: ignore[attr-defined]
        return super().computed(chosen, narrow)


def view_of(model: PreTrainedModel, ids: list[list[int]], asked: list[int]) -> Noting:
    """Chunks of these ids, computed behind token 1, and a question."""
    parts = [torch.tensor([1]), *map(torch.tensor, ids), torch.tensor(asked)]
    segment = torch.cat([torch.full((len(one),), at - 1) for at, one in enumerate(parts)])
    tokens = torch.cat(parts)
    places = torch.cat([torch.arange(len(one)) for one in parts])
    blocks, at = [(chunk(model, parts[0]), 0)], 1
    for one in parts[1:-1]:
        blocks.append((chunk(model, one, (1,)), at))
        at += len(one)
    kept = (segment >= 0) & (segment < len(ids))
    return Noting(model, tokens, kept, segment, places, 1, tuple(blocks))


def chosen_by(method: Mentions | Epic | CacheBlend, view: Noting) -> list[int]:
    method.blend(view)
    found: Tensor = Noting.chosen  # type: ignore[attr-defined]
    return torch.nonzero(found & view.kept)[:, 0].tolist()


def test_mentions_are_what_the_question_names_and_what_follows(model: PreTrainedModel) -> None:
    view = view_of(model, [[10, 11, 12, 13], [14, 10, 15, 16, 17], [18, 19, 20, 21]], [10, 30])
    assert chosen_by(Mentions(0.25, window=2), view) == [6, 7, 8]
    assert chosen_by(Mentions(0.1, window=2), view) == [6]  # what follows does not fit


def test_of_other_words_the_rarest_that_an_earlier_text_has(model: PreTrainedModel) -> None:
    view = view_of(model, [[10, 50, 50, 11], [50, 12, 50, 11], [50, 13, 10, 50]], [30])
    assert chosen_by(Mentions(0.17), view) == [8, 11]  # 11 again, 10 again; 50 is everywhere
    assert chosen_by(Mentions(1.0), view) == [5, 7, 8, 9, 11, 12]


def test_nothing_is_repeated_nothing_is_chosen(model: PreTrainedModel) -> None:
    view = view_of(model, [[10, 11, 10], [12, 13]], [30])
    assert chosen_by(Mentions(1.0), view) == []


def test_epic_takes_the_first_tokens_of_each_chunk(model: PreTrainedModel) -> None:
    view = view_of(model, [[10, 11, 12], [13], [14, 15, 16]], [17])
    assert chosen_by(Epic(2), view) == [1, 2, 4, 5, 6]


def test_cacheblend_goes_on_with_the_most_deviating(model: PreTrainedModel) -> None:
    view = view_of(model, [[10, 11, 12], [13, 14]], [17])
    chosen_by(CacheBlend(0.4), view)
    narrow: Mapping[int, Narrow] = Noting.narrow  # type: ignore[attr-defined]
    old = torch.ones(2, 6, 4)
    off = old * torch.tensor([1.0, 3.0, 1.0, 2.0, 1.1, 99.0])[:, None]
    kept = narrow[1](Look(1, torch.arange(1, 7), old, off, old, old))
    assert kept.tolist() == [False, True, False, True, False, False]  # the question is the core's


def test_cacheblend_narrows_layer_by_layer(model: PreTrainedModel) -> None:
    parts = segments(model, texts(), head=(1,))
    head = chunk(model, torch.tensor([1]))
    flat = blended(model, parts, "cacheblend", prefix=head, recompute=0.4)
    falling = blended(model, parts, "cacheblend", prefix=head, recompute=0.4, gradual=0.5)
    assert abs(flat.recomputed - falling.recomputed) <= 1
    assert falling.work > flat.work  # looks are counted
    with pytest.raises(InvalidInput, match="from 0 to 1"):
        CacheBlend(recompute=15)
    with pytest.raises(InvalidInput, match="from 0 to 1"):
        Mentions(recompute=15)


def test_more_recomputed_is_nearer_to_full(model: PreTrainedModel) -> None:
    parts = segments(model, [words(20, seed) for seed in range(4)], head=(1,))
    head = chunk(model, torch.tensor([1]))
    full = blended(model, parts, "full", prefix=head).logits
    off = [
        float((blended(model, parts, "cacheblend", prefix=head, recompute=r).logits - full).norm())
        for r in (0.0, 0.5, 1.0)
    ]
    assert off[2] < 1e-2 < off[1] < off[0]


def test_mentions_answer_what_concatenation_does_not() -> None:
    model, _ = recall_lm.load()
    rows = measure_blend(model, tasks=("vt", "multivalue"), tokens=384, chunks=6, samples=1)
    told = figures(rows)
    assert told["blend_accuracy_ratio"] >= 0.95
    assert told["naive_accuracy_ratio"] <= 0.5
    assert told["blend_recomputed"] <= 0.2
    assert told["blend_work"] <= 0.25


def test_a_blended_chain_of_references_is_generated_token_by_token() -> None:
    from mnemon.bench.reuse.chunks import chunked

    model, _ = recall_lm.load()
    asked = chunked("vt", 384, 6, seed=1)
    head = chunk(model, torch.tensor(asked.head))
    parts = [Segment(one, chunk(model, one, asked.head)) for one in map(torch.tensor, asked.chunks)]
    parts.append(Segment(torch.tensor(asked.question.ids)))
    answer = list(asked.question.answer)
    made = blended(model, parts, prefix=head)
    assert greedy(model, made.cache, made.logits, len(answer)) == answer
