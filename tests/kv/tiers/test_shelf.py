"""Who has to leave a tier."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mnemon.kv.tiers.shelf import Shelf


def put(shelf: Shelf, key: str, nbytes: int, seconds: float) -> bool:
    victims = shelf.victims(nbytes, seconds)
    if victims is None:
        return False
    for victim in victims:
        shelf.evict(victim)
    shelf.add(key, nbytes, seconds)
    return True


STEPS = st.lists(
    st.tuples(st.sampled_from("abcdef"), st.integers(1, 60), st.floats(0, 10), st.booleans()),
    max_size=60,
)


@given(STEPS)
def test_it_never_holds_more_than_its_budget(steps: list[tuple[str, int, float, bool]]) -> None:
    shelf = Shelf(100)
    for key, nbytes, seconds, use in steps:
        if use:
            shelf.used(key)
        else:
            shelf.drop(key)
            put(shelf, key, nbytes, seconds)
        assert shelf.nbytes == sum(entry.nbytes for entry in shelf.entries.values()) <= 100


def test_what_saves_least_a_byte_leaves_first() -> None:
    shelf = Shelf(100)
    put(shelf, "dear", 50, 5.0)
    put(shelf, "cheap", 50, 1.0)
    assert shelf.victims(50, 2.0) == ["cheap"]
    assert shelf.victims(100, 2.0) is None, "it would save less than what it drives out"
    assert shelf.victims(101, 1e9) is None, "it is larger than the tier"


def test_what_is_used_stays() -> None:
    shelf = Shelf(100)
    put(shelf, "a", 50, 1.0)
    put(shelf, "b", 50, 1.0)
    assert shelf.used("a") == 2
    assert shelf.victims(50, 1.0) == ["b"]


def test_what_is_no_longer_used_leaves_however_much_it_once_saved() -> None:
    shelf = Shelf(100)
    put(shelf, "dear", 50, 10.0)
    for number in range(40):
        put(shelf, f"cheap {number}", 50, 1.0)
    assert "dear" not in shelf


def test_without_a_budget_nobody_leaves() -> None:
    shelf = Shelf(None)
    shelf.add("a", 10**12, 0.0)
    assert shelf.victims(10**15, 0.0) == []


@pytest.mark.parametrize("known", [True, False])
def test_what_is_not_known_counts_as_the_others(known: bool) -> None:
    shelf = Shelf(100)
    put(shelf, "dear", 40, 8.0)
    put(shelf, "cheap", 40, 0.4)
    shelf.add("unknown", 10, None)
    if known:
        shelf.learned("unknown", 0.01)
    assert shelf.victims(40, 9.0) == (["unknown", "cheap"] if known else ["cheap"])
    assert shelf.unknown() == ([] if known else ["unknown"])
