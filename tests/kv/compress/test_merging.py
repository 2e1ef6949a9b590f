"""What the methods mean that merge evicted tokens into kept ones."""

from __future__ import annotations

import pytest
import torch

from mnemon.errors import InvalidInput
from mnemon.kv.compress.d2o import D2O
from mnemon.kv.compress.drop import Drop
from mnemon.kv.compress.elastic_cache import ElasticCache, nearest_by_place
from mnemon.kv.compress.kvmerger import KVMerger, merging_sets
from mnemon.kv.compress.zeromerge import ZeroMerge
from mnemon.kv.merging import nearest

from .views import clustered, error, first, random, spread, view_of


def _scene(every: int = 8):
    keys, values = clustered(8, 16, noise=0.3)
    kept = spread(view_of(keys, values), every)
    scores = kept.float() + torch.rand(kept.shape) / 2
    return view_of(keys, values, scores=scores), kept, random(1, 2, 32, 16, seed=9)


@pytest.mark.parametrize(
    "method", [D2O(), ElasticCache(), KVMerger(threshold=0.5), ZeroMerge(residual=1.0)], ids=str
)
def test_merging_is_nearer_to_the_whole_than_eviction(method) -> None:
    view, kept, queries = _scene()
    dropped = error(view, Drop().compress(view, kept), queries)
    assert error(view, method.compress(view, kept), queries) < dropped


@pytest.mark.parametrize("method", [D2O(threshold=1.01), KVMerger(threshold=1.01)], ids=str)
def test_nothing_alike_is_eviction_to_the_last_bit(method) -> None:
    view, kept, _ = _scene()
    one, other = method.compress(view, kept)[0].read(), Drop().compress(view, kept)[0].read()
    assert torch.equal(one.keys, other.keys) and torch.equal(one.values, other.values)
    assert one.bias is None


@pytest.mark.parametrize("method", [D2O(), ElasticCache(), KVMerger(), ZeroMerge()], ids=str)
def test_nothing_evicted_is_storage_to_the_last_bit(method) -> None:
    view, kept, _ = _scene()
    everything = torch.ones_like(kept)
    one, other = method.compress(view, everything)[0].read(), view.keys[:, :, :-1]
    assert torch.equal(one.keys, other.reshape(-1, 16)) and one.bias is None


def test_d2o_merges_what_reaches_the_running_mean_only() -> None:
    keys, values = clustered(2, 4, noise=0.0)
    keys[:, :, 5] = -keys[:, :, 5]  # evicted, and like nothing that is kept
    view = view_of(keys, values)
    kept = spread(view, 4)
    made = D2O().compress(view, kept)[0]
    values_of_second = made.parts["values"].view(1, 2, 2, 16)[:, :, 1]
    assert torch.allclose(values_of_second, values[:, :, 4], atol=1e-5)
    values[:, :, 5] += 100
    again = D2O().compress(view_of(keys, values), kept)[0]
    assert torch.allclose(again.parts["values"], made.parts["values"], atol=1e-5)


def test_the_running_threshold_is_the_plain_average_step_by_step() -> None:
    view, kept, _ = _scene()
    _, cosines = nearest(view.keys[:, :, :-1], kept)
    before, last = D2O(beta=0.3)._thresholds(view, ~kept, cosines)
    mean = float(cosines[0, 0][~kept[0, 0]].mean())
    for place in torch.nonzero(~kept[0, 0]).flatten().tolist():
        assert float(before[0, 0, place]) == pytest.approx(mean, abs=1e-5)
        mean = 0.3 * float(cosines[0, 0, place]) + 0.7 * mean
    assert float(last[0, 0]) == pytest.approx(mean, abs=1e-5)


def test_the_threshold_goes_on_from_where_it_stood() -> None:
    view, kept, _ = _scene()
    _, cosines = nearest(view.keys[:, :, :-1], kept)
    store = D2O().compress(view, kept)[0]
    later = view_of(view.keys, view.values, stores=(store,))
    before, _ = D2O()._thresholds(later, ~kept, cosines)
    first = int((~kept[0, 0]).int().argmax())
    assert torch.equal(before[0, :, first], store.parts["threshold"])


def test_elastic_cache_takes_the_plain_mean_around_an_anchor() -> None:
    anchors = torch.tensor([[[False, True, False, False, False, True]]])
    assert nearest_by_place(anchors, ~anchors)[0, 0].tolist() == [1, 1, 1, 1, 5, 5]
    keys = random(1, 1, 7, 4)
    view = view_of(keys, keys)
    made = ElasticCache().compress(view, anchors)[0]
    assert torch.allclose(made.parts["keys"][0], keys[0, 0, :4].mean(0))
    assert torch.allclose(made.parts["values"][1], keys[0, 0, 4:6].mean(0))


def test_elastic_cache_only_evicts_after_the_prompt() -> None:
    view, kept, _ = _scene()
    later = view_of(view.keys, view.values, seen=view.tokens + 1)
    made, dropped = ElasticCache().compress(later, kept)[0], Drop().compress(later, kept)[0]
    assert torch.equal(made.parts["keys"], dropped.parts["keys"])


def test_merging_sets_are_runs_of_alike_keys() -> None:
    keys, _ = clustered(3, 4, noise=0.01)
    assert merging_sets(keys[:, :, :-1], 0.75)[0, 0].tolist() == [0] * 4 + [1] * 4 + [2] * 4


def test_kvmerger_weighs_near_keys_more_and_spares_heavy_hitters() -> None:
    base = torch.ones(4)
    keys = torch.stack([base, base * 1.01, base * 1.5, base * 1.02, -base])[None, None]
    values = torch.tensor([0.0, 1.0, 2.0, 7.0, 0.0])[:, None].expand(-1, 4)[None, None]
    kept = torch.tensor([[[True, False, False, True]]])
    view = view_of(keys, values, scores=torch.tensor([[[5.0, 1.0, 1.0, 4.0]]]))
    merged = KVMerger().compress(view, kept)[0].parts["values"]
    assert 0.3 < float(merged[0, 0]) < 1.0  # nearer to the near token's 1 than to the far one's 2
    assert float(merged[1, 0]) == 7.0


def test_zeromerge_counts_every_token_once() -> None:
    view, kept, _ = _scene()
    made = ZeroMerge().compress(view, kept)[0]
    tokens = kept.shape[-1]
    assert made.parts["counts"].view(2, -1).sum(-1).tolist() == [tokens, tokens]
    slots = (made.parts["counts"].view(2, -1) > 1).sum(-1)
    assert bool((slots <= -(-kept[0, 0].sum() // 3)).all())


def test_zeromerge_counts_survive_being_merged_again() -> None:
    view, kept, _ = _scene()
    rows = ZeroMerge().compress(view, kept)[0].read()
    held = int(kept[0, 0].sum())
    shape = (1, 2, held, 16)
    last = torch.zeros(1, 2, 1, 16)
    again = view_of(
        torch.cat([rows.keys.view(shape), last], 2),
        torch.cat([rows.values.view(shape), last], 2),
        bias=torch.cat([rows.bias.view(1, 2, held), torch.zeros(1, 2, 1)], 2),
        scores=torch.rand(1, 2, held),
    )
    less = spread(again, 2)
    counts = ZeroMerge().compress(again, less)[0].parts["counts"].view(2, -1)
    assert counts.sum(-1).tolist() == [kept.shape[-1]] * 2


def test_zeromerge_repeats_weigh_as_much_as_they_did() -> None:
    keys, values = clustered(4, 10, noise=0.0)
    kept = spread(view_of(keys, values), 10)
    view = view_of(keys, values, scores=kept.float())
    queries = random(1, 2, 16, 16, seed=9)
    assert error(view, ZeroMerge(residual=1.0).compress(view, kept), queries) < 1e-8


def test_zeromerge_without_its_counts_is_further_from_the_whole() -> None:
    keys, values = clustered(4, 10, noise=0.0)
    # Two tokens of the first cluster stay alone, twenty of two others fall into one slot.
    keys, values = (torch.cat([one[:, :, :2], one[:, :, 20:]], 2) for one in (keys, values))
    kept = first(view_of(keys, values), 3)
    scores = kept * torch.linspace(2, 1, kept.shape[-1])
    view, queries = view_of(keys, values, scores=scores), random(1, 2, 16, 16, seed=9)
    counted = error(view, ZeroMerge().compress(view, kept), queries)
    assert counted < error(view, ZeroMerge(alpha=0.0).compress(view, kept), queries)


def test_settings_out_of_range_are_refused() -> None:
    with pytest.raises(InvalidInput, match="beta"):
        D2O(beta=0.0)
    with pytest.raises(InvalidInput, match="residual"):
        ZeroMerge(residual=0.0)
