"""What it means that a few samples stand for clusters of keys."""

from __future__ import annotations

import torch

from mnemon.kv.compress.subgen import SubGen, leaders

from .views import clustered, error, first, random, view_of


def _wrong(samples: int, each: int = 64) -> float:
    keys, values = clustered(6, each, noise=0.4)
    view = view_of(keys, values)
    queries = random(1, 2, 16, 16, seed=9)
    kept = first(view, 6 * samples)
    found = [
        error(view, SubGen(samples=samples, delta=0.7, seed=seed).compress(view, kept), queries)
        for seed in range(6)
    ]
    return sum(found) / len(found)


def test_leaders_are_those_of_the_plain_pass_over_the_keys() -> None:
    keys = random(1, 1, 60, 4)
    found = leaders(keys, torch.ones(1, 1, 60, dtype=torch.bool), 0.8, 60)[0, 0]
    points = keys[0, 0]
    radius = 0.8 * (points - points.mean(0)).square().sum(-1).mean().sqrt()
    centres: list[int] = []
    for place in range(60):
        away = [float((points[place] - points[one]).norm()) for one in centres]
        if not away or min(away) > radius:
            centres.append(place)
            assert int(found[place]) == len(centres) - 1
        else:
            assert away[int(found[place])] <= radius


def test_stored_tokens_follow_the_clusters_not_the_stream() -> None:
    lengths = []
    for each in (32, 128):
        keys, values = clustered(6, each, noise=0.05)
        view = view_of(keys, values)
        kept = first(view, 3 * each)
        lengths.append(SubGen().compress(view, kept)[0].lengths.tolist())
    assert lengths[0] == lengths[1] == [[48, 48]]


def test_weights_sum_to_about_the_tokens_they_stand_for() -> None:
    keys, values = clustered(6, 64, noise=0.4)
    view = view_of(keys, values)
    sums = [
        SubGen(seed=seed).compress(view, first(view, 40))[0].parts["weights"].sum() / 2
        for seed in range(20)
    ]
    assert abs(float(torch.stack(sums).mean()) - 384) < 40


def test_samples_are_nearer_than_chance_or_the_newest_and_more_are_nearer_still() -> None:
    keys, values = clustered(6, 64, noise=0.4)
    view, queries = view_of(keys, values), random(1, 2, 16, 16, seed=9)
    count = view.tokens - 1
    whole = torch.softmax(queries @ keys[:, :, :count].transpose(2, 3) / 4, -1) @ values[:, :, :-1]

    def alone(places: torch.Tensor) -> float:
        told = torch.softmax(queries @ keys[:, :, places].transpose(2, 3) / 4, -1)
        return float((told @ values[:, :, places] - whole).square().sum() / whole.square().sum())

    uniform = [alone(torch.randperm(count)[:24]) for _ in range(6)]
    four = _wrong(4)
    assert four < sum(uniform) / 6 and four < alone(torch.arange(count - 24, count))
    assert _wrong(16) < four


def test_sinks_are_kept_as_they_are() -> None:
    keys, values = clustered(6, 64)
    view = view_of(keys, values, sinks=2)
    made = SubGen().compress(view, first(view, 30))[0]
    rows = made.parts["keys"].view(2, -1, 16)
    assert torch.equal(rows[:, :2], keys[0, :, :2])
    assert made.parts["weights"].view(2, -1)[:, :2].tolist() == [[1.0, 1.0]] * 2
