from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from hypothesis import given as drawn
from hypothesis import strategies as st
from tests.kv.models import forward, text
from tests.weights.layer.conftest import built
from tests.weights.layer.small import Tokenizer, texts

from mnemon import methods
from mnemon.errors import InvalidInput
from mnemon.weights.bank import attach, given, offload, traffic
from mnemon.weights.bank.canonical import canonical
from mnemon.weights.layer import Given

# Without transformers, which takes longer to import than torch.
_ELSEWHERE = """
from tests.weights.layer.small import SMALL, Tokenizer, texts
from mnemon import methods
from mnemon.weights.bank.canonical import canonical
from mnemon.weights.layer import Given
given = Given(64, 3, 97, canonical(Tokenizer(), 97), tuple(texts().tolist()))
for name in ("engram", "hierarchical-memories"):
    bank = methods.load("weights.layer", name, **SMALL[name]).build(given)
    for table, rows in bank.address(texts(2)).items():
        print(name, table, rows.tolist())
"""


def test_rows_are_the_same_in_every_process(model) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE], capture_output=True, text=True, check=True
    )
    here = [
        f"{name} {table} {rows.tolist()}"
        for name in ("engram", "hierarchical-memories")
        for table, rows in built(name, model)[1].address(texts(2)).items()
    ]
    assert done.stdout.splitlines() == here


@drawn(st.lists(st.integers(0, 96), min_size=4, max_size=20), st.data())
def test_rows_of_engram_depend_on_the_last_three_tokens_alone(tokens, data) -> None:
    bank = methods.load("weights.layer", "engram", engram_vocab_size=10_007).build(Given(8, 2, 97))
    at = data.draw(st.integers(0, len(tokens) - 1))
    other = list(tokens)
    other[at] = (tokens[at] + 1) % 97
    one, two = (bank.address(torch.tensor([ids]))["layer1"][0] for ids in (tokens, other))
    same = (one == two).all(-1).tolist()
    touched = range(at, min(at + 3, len(tokens)))
    assert [not bool(same[place]) for place in touched] == [True] * len(touched)
    assert all(same[place] for place in range(len(tokens)) if place not in touched)


def test_tokens_that_differ_in_case_accents_or_spaces_are_read_as_one(model) -> None:
    _, bank = built("engram", model)
    lower, upper = torch.tensor([[2, 4, 6, 8]]), torch.tensor([[3, 5, 7, 9]])
    assert torch.equal(bank.address(lower)["layer1"], bank.address(upper)["layer1"])

    class Few(Tokenizer):
        words = ("cafe", " Café", "ｃａｆｅ", "coffee", " ", "\N{REPLACEMENT CHARACTER}", "?")

        def convert_ids_to_tokens(self, number: int) -> str:
            return f"<0x{number}>"

    assert canonical(Few(), 9).tolist() == [0, 0, 0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(("name", "rate"), [("engram", 1), ("hierarchical-memories", 1)])
def test_what_tokens_decide_is_there_before_it_is_looked_up(model, name, rate) -> None:
    _, bank = built(name, model)
    offload(bank)
    with attach(model, bank):
        for seed in range(5):
            forward(model, text(20, batch=3, seed=seed))
    assert traffic(bank).hit_rate == rate and traffic(bank).hits > 0


def test_what_hidden_states_decide_is_waited_for(model) -> None:
    _, bank = built("ultramem-v2", model)
    offload(bank)
    with attach(model, bank):
        forward(model, text(1))
    told = traffic(bank)
    # Two layers, three slots each, sixteen floats a slot.
    assert (told.hits, told.misses, told.rows, told.bytes) == (0, 6, 6, 6 * 16 * 4)


def test_slots_that_are_chosen_evenly_weigh_least(model) -> None:
    _, bank = built("ultramem-v2", model)
    with attach(model, bank):
        forward(model, text(40, batch=4))
        spread = [float(one) for one in bank.balance]
        assert len(spread) == 2 and all(one >= 1.9 for one in spread)
        with torch.no_grad():
            for keys in bank.keys.values():  # all want the same rows and columns
                keys.query_norm.weight *= 30
                keys.query.weight[:, 1:] = keys.query.weight[:, :1]
        forward(model, text(40, batch=4))
    assert len(bank.balance) == 2 and sum(map(float, bank.balance)) > sum(spread)


def test_only_the_blocks_of_the_path_are_loaded(model) -> None:
    _, bank = built("hierarchical-memories", model)
    paths = bank.address(texts())
    assert all(len(rows.unique()) > 1 for rows in paths.values())
    for name, rows in bank.address(texts()).items():
        if name.endswith("level1"):  # a child of the node above it
            assert torch.equal(rows // 3, paths[name.replace("level1", "level0")])
    offload(bank)
    with attach(model, bank):
        forward(model, texts()[:1])
    # Two layers, each a node of 4 and one of 2 neurons, of three vectors of 64 floats.
    assert traffic(bank).rows == 4 and traffic(bank).bytes == 2 * (4 + 2) * 3 * 64 * 4


def test_a_text_reads_its_own_path_whatever_it_is_batched_with(model) -> None:
    _, bank = built("hierarchical-memories", model)
    with attach(model, bank):
        together = forward(model, texts()[:4])
        for number in range(4):
            alone = forward(model, texts()[number : number + 1])
            torch.testing.assert_close(together[number : number + 1], alone, atol=1e-4, rtol=1e-4)


def test_a_text_goes_where_documents_of_its_kind_went_though_it_has_few_of_their_words() -> None:
    draw = torch.Generator().manual_seed(0)
    kinds = torch.arange(60) % 2
    own = 10 + 10 * kinds[:, None] + torch.randint(10, (60, 4), generator=draw)
    others = 40 + torch.randint(50, (60, 4), generator=draw)  # rarer than a kind's own words
    documents = torch.cat([own, others], 1)
    method = methods.load("weights.layer", "hierarchical-memories", levels=1, clusters=2,
        neurons=(2,), embedding=8)  # fmt: skip
    bank = method.build(Given(8, 1, 97, documents=documents.tolist()))
    went = bank.address(documents)["layer0-level0"][:, 0]
    assert torch.equal(went, (kinds + went[0]) % 2)
    asked = torch.tensor([[10, 11], [12, 19], [20, 21], [22, 29]])
    assert bank.address(asked)["layer0-level0"][:, 0].tolist() == went[[0, 0, 1, 1]].tolist()


def test_a_tree_needs_documents(model) -> None:
    bank = methods.load("weights.layer", "hierarchical-memories").build(given(model))
    with pytest.raises(InvalidInput, match="no tree"):
        bank.address(text(5))


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("engram", {"layer_ids": (3,)}, "layers 0 to 2"),
        ("engram", {"n_head_per_ngram": 5}, "heads divide"),
        ("ultramem-v2", {"knn": 40}, "no more slots than rows"),
        ("hierarchical-memories", {"neurons": (4,)}, "neurons for each level"),
    ],
)
def test_what_cannot_be_built_is_refused(model, name, options, said) -> None:
    with pytest.raises(InvalidInput, match=said):
        methods.load("weights.layer", name, **options).build(given(model))
