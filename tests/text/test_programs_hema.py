"""HEMA: the summary that is always there, its levels, and the turns no longer searched."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from mnemon import Draft, Memory, methods
from mnemon.store.rows import Filter
from mnemon.text.kinds import DIGEST, GIST

FILLER = ["Thanks!", "Really?", "Wow, nice!", "What do you mean?"]


def drafts(count: int) -> list[Draft]:
    """Every fourth turn tells something, the others are filler; five a day."""
    return [
        Draft(
            FILLER[n // 4 % 4] if n % 4 else f"I catalogued {n} fossil ferns in quarry {n // 4}.",
            speaker="Ana",
            session=f"s{n // 20}",
            at=f"2024-{1 + n // 150:02}-{1 + n // 5 % 28:02}T10:{n % 60:02}",
        )
        for n in range(count)
    ]


@pytest.fixture
def memory() -> Any:
    with Memory(":memory:", program="hema") as memory:
        memory.add(drafts(240))
        memory.reflect()
        yield memory


def looked(memory: Memory, text: str, **options: Any) -> tuple[Any, Any, Any]:
    view, query = memory._searcher.look(text, Filter(memory.namespace))
    method = methods.load("text.retrieve", "dual", **options)
    return view, method, method.retrieve(view, query)


@pytest.mark.parametrize("question", ["fossil ferns in quarry 7", "zyzzyva", "?"])
def test_the_running_summary_comes_first_whatever_is_asked(memory: Memory, question: str) -> None:
    assert memory.search(question)[0].cube.kind == GIST
    assert memory.recall(question, budget=300).hits[0].cube.kind == GIST


def test_there_is_one_running_summary_and_a_digest_of_each_hundred_turns(memory: Memory) -> None:
    assert (memory.count(kind=GIST), memory.count(kind=DIGEST)) == (1, 2)
    (gist,) = memory.list(kind=GIST)
    kinds = [memory.get(span.cube).kind for span in gist.provenance.spans]
    assert kinds.count(DIGEST) == 2 and kinds.count("episode") == 40


def test_a_new_turn_remakes_the_summary_and_no_digest(memory: Memory) -> None:
    digests = [cube.id for cube in memory.list(kind=DIGEST)]
    memory.add("The museum bought all the ferns.", speaker="Ana", session="s99", at="2024-12-01")
    assert memory.reflect() == 2  # the old summary out, the new one in
    assert [cube.id for cube in memory.list(kind=DIGEST)] == digests


def test_a_corrected_turn_ends_its_digest_and_the_summary_made_of_it(memory: Memory) -> None:
    first = memory.list(limit=1)[0]
    memory.update(first.id, "I catalogued no fern that day.")
    assert (memory.count(kind=GIST), memory.count(kind=DIGEST)) == (0, 1)
    memory.reflect()
    assert (memory.count(kind=GIST), memory.count(kind=DIGEST)) == (1, 2)


@pytest.mark.parametrize("prune", [0.0, 0.25, 0.5])
def test_pruning_cuts_what_is_searched_by_its_share(memory: Memory, prune: float) -> None:
    view, method, _ = looked(memory, "ferns", prune=prune)
    turns = np.array([view.names.text(code) == "episode" for code in view.kinds.tolist()])
    assert len(method.searched(view, turns)) == 240 - math.ceil(prune * 240)


def test_what_says_little_is_pruned_first_and_stays_in_the_store(memory: Memory) -> None:
    view, method, ranking = looked(memory, "Thanks! Really? ferns", prune=0.7)
    turns = np.array([view.names.text(code) == "episode" for code in view.kinds.tolist()])
    kept = view.texts(method.searched(view, turns).tolist())
    assert sum("fossil" in text for text in kept) == 60
    assert not {"Thanks!", "Really?"} & set(view.texts(ranking.indices.tolist()))
    assert memory.count(kind="episode") == 240


def test_of_turns_that_say_as_much_the_older_are_pruned() -> None:
    with Memory(":memory:", program="hema") as memory:
        said = [Draft(f"I catalogued {n} ferns.", at=f"{2000 + n % 20}-01-01") for n in range(120)]
        memory.add(said)
        view, method, _ = looked(memory, "ferns", half_life=30.0)
        gone = set(range(120)) - set(method.searched(view, view.eligible).tolist())
        years = view.valid_from.astype("datetime64[us]").astype("datetime64[Y]").astype(int)
        assert max(years[list(gone)]) <= min(years[i] for i in range(120) if i not in gone)


def test_few_turns_are_all_searched() -> None:
    with Memory(":memory:", program="hema") as memory:
        memory.add(["Thanks!", "Really?", "I like ferns."])
        view, method, _ = looked(memory, "ferns")
        assert len(method.searched(view, view.eligible)) == 3


def test_either_memory_can_be_left_out(memory: Memory) -> None:
    view, _, only = looked(memory, "ferns", chunks=False)
    assert [view.names.text(int(view.kinds[i])) for i in only.indices] == [GIST]
    view, _, without = looked(memory, "ferns", summary=False)
    assert GIST not in {view.names.text(int(view.kinds[i])) for i in without.indices}
