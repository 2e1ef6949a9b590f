"""Policies as text and as JSON; head profiles; the automatic choice."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from tests.kv.models import forward, text, tiny_llama

from mnemon import methods
from mnemon.bench.recall import sample
from mnemon.errors import InvalidInput
from mnemon.kv import KVCache, Policy, measure_heads, seam
from mnemon.kv.auto import best
from mnemon.kv.budget import Budget
from mnemon.kv.calibration import Case, repeated
from mnemon.kv.profile import GENERIC, HeadProfile, find, profile_of
from mnemon.models import recall_lm


@pytest.mark.parametrize(
    "written",
    [
        "recency",
        "snapkv",
        "snapkv(window_size=16) + kivi(bits=4, group_size=64) + window=16",
        "tangram + graded(share=0.3) + sinks=2 + block=8",
    ],
)
def test_text_and_json_say_the_same_policy(written: str) -> None:
    policy = Policy.of(written)
    assert Policy.from_json(policy.to_json()) == policy
    assert Policy.of(str(policy)) == policy


def test_a_policy_with_a_method_of_another_package_is_found_again_by_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The whole method that docs/adding-a-kv-method.md shows, in a package of its own."""
    page = Path(__file__).parents[2] / "docs" / "adding-a-kv-method.md"
    (tmp_path / "theirs.py").write_text(
        page.read_text("utf-8").split("```python\n")[1].split("```")[0]
    )
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[mnemon.kv.score]\nshort-values = theirs:Shortest\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    model = tiny_llama(head_dim=32)
    cache = KVCache(model, "short-values + ada-kv + kivi(bits=4)", budget=0.4)
    forward(model, text(200), cache)
    assert cache.nbytes < 0.4 * cache.full_nbytes
    assert str(cache.policy) == "short-values + ada-kv + kivi(bits=4)"
    assert Policy.of(str(cache.policy)) == cache.policy
    assert Policy.from_json(cache.policy.to_json()) == cache.policy


def test_the_order_of_words_does_not_matter_and_slots_can_be_named() -> None:
    assert Policy.of("kivi(bits=4) + snapkv") == Policy.of("snapkv + kivi(bits=4)")
    assert Policy.of({"score": "snapkv", "window": 16}) == Policy.of("snapkv + window=16")
    with pytest.raises(InvalidInput, match=r"not one of kv\.score"):
        Policy.of({"score": "kivi"})


def test_a_policy_knows_whether_a_question_steers_it() -> None:
    assert Policy.of("snapkv").question == "aware"
    assert Policy.of("recency + kivi").question == "agnostic"


@pytest.mark.parametrize("name", ["cake", "zigzagkv", "d2o-layers", "compress-kv", "mikv", "think"])
def test_an_allocator_or_a_form_of_storage_that_looks_at_the_question_makes_it_aware(
    name: str,
) -> None:
    """The scorer never looks, the question stays outside: what is stored of the context differs."""
    model = tiny_llama()
    stored = []
    for seed in (1, 2):
        cache = KVCache(model, f"keydiff + {name} + window=10", 0.3)
        forward(model, torch.cat([text(150), text(10, seed=seed)], 1), cache)
        stored.append([one.read().keys for layer in cache.compressed for one in layer.stores])
    assert any(a.shape != b.shape or not torch.equal(a, b) for a, b in zip(*stored, strict=True))
    assert cache.policy.question == "aware"


@pytest.mark.parametrize(("slot", "page"), [("score", "scorers"), ("allocate", "allocators")])
def test_the_tables_say_of_every_method_whether_it_is_aware(slot: str, page: str) -> None:
    told = (Path(__file__).parents[2] / "docs" / f"kv-{page}.md").read_text("utf-8")
    rows = [line.split("|") for line in told.splitlines() if line.startswith("| `")]
    table = {row[1].strip(" `"): {cell.strip() for cell in row} for row in rows}
    for name in methods.names(f"kv.{slot}"):
        assert Policy.of(name).question in table[name], name


def test_a_measured_profile_is_found_again_and_only_for_that_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model = tiny_llama(layers=2)
    assert find(model) is None
    measured = measure_heads(model, repeated(97, count=2, length=80))
    assert sorted(sum(measured.weights, ())) == [0.25, 0.5, 0.75, 1.0]
    measured.save()
    assert profile_of(model) == measured
    assert find(tiny_llama(layers=2, seed=1)) is None


def test_a_profile_of_another_shape_is_refused() -> None:
    model = tiny_llama()
    cache = KVCache(model, "recency", 0.25)
    cache.policy, cache.profile = Policy.of("tangram"), HeadProfile("", ((1.0,),), "")
    with pytest.raises(InvalidInput, match="measure it again"):
        forward(model, text(200), cache)


@pytest.fixture(scope="module")
def recall() -> recall_lm.Loaded:
    return recall_lm.load()


def test_auto_uses_the_profile_that_comes_with_the_model(recall: recall_lm.Loaded) -> None:
    assert "tangram" in str(KVCache(recall.model, "auto", 0.1).policy)
    assert "graded" in str(KVCache(recall.model, "auto", 0.25).policy)
    assert "tangram" not in str(KVCache(tiny_llama(), "auto", 0.25).policy)


@pytest.mark.parametrize("budget", [0.25, 0.1])
def test_auto_recalls_after_three_quarters_and_nine_tenths_are_gone(
    recall: recall_lm.Loaded, budget: float
) -> None:
    right = 0
    for seed in range(3):
        asked = sample("kv", 512, seed=90_000 + seed)
        cache = KVCache(recall.model, "auto", budget)
        seam.forward(recall.model, torch.tensor([asked.context]), cache)
        assert cache.nbytes <= 1.05 * budget * cache.full_nbytes
        rest = torch.tensor([asked.question + asked.answer])
        told = seam.forward(recall.model, rest, cache)[0, len(asked.question) - 1 : -1].argmax(-1)
        right += told.tolist() == list(asked.answer)
    assert right == 3


def test_the_heads_that_are_missed_most_weigh_most(recall: recall_lm.Loaded) -> None:
    """The shipped profile: cutting its best head hurts more than cutting its worst one."""
    from mnemon.kv.calibration import _loss

    weights = torch.tensor(profile_of(recall.model).weights)
    one = sample("kv", 512, seed=91_000)
    cases = [Case(one.context, one.question, one.answer)]
    everyone = {(la, he) for la in range(8) for he in range(4)}
    best, worst = (divmod(int(one), 4) for one in (weights.argmax(), weights.argmin()))
    losses = [_loss(recall.model, cases, everyone - {head}, (8, 4)) for head in (best, worst)]
    assert losses[0] > losses[1]


def test_auto_does_not_empty_heads_by_a_profile_of_random_tokens() -> None:
    model = tiny_llama()
    weights = ((1.0, 0.5), (0.2, 0.3), (0.1, 0.4))
    generic = HeadProfile("any", weights, GENERIC)
    asked = HeadProfile("any", weights, "my cases")
    assert "tangram" in str(best(Budget.of(0.1), model, asked))
    assert "tangram" not in str(best(Budget.of(0.1), model, generic))
    assert best(Budget.of(0.25), model, generic) == best(Budget.of(0.25), model, asked)
