"""No answer is larger than its budget, in either of its forms."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mnemon.server.mcp import budget
from mnemon.server.mcp.own import Own
from mnemon.server.mcp.serving import call


@pytest.fixture(scope="module")
def full(tmp_path_factory):
    """Many short memories, long ones, one of a single endless word, odd scripts."""
    own = Own(str(tmp_path_factory.mktemp("full") / "memory.db"), "me")
    cubes = [f"Ana told story {n} of the boats on the river." for n in range(60)]
    cubes += ["A long tale of boats. " * 400, "boats" * 3000, "船の話。" * 300, 'boats "\n\\' * 200]
    for n, text in enumerate(cubes):
        own.memory.add(text, namespace=f"me/{n % 30}", speaker="Ana")
    yield lambda tool, **arguments: call(own.desk, tool, arguments)
    own.close()


def tokens(answer):
    form = json.dumps(answer.structured_content, ensure_ascii=False, separators=(",", ":"))
    return max(budget.count(answer.content[0].text), budget.count(form))


@settings(max_examples=25)
@given(
    limit=st.integers(budget.LEAST, 3000),
    query=st.sampled_from(["boats", "story 7", "船の話", "long tale", "nothing at all"]),
    k=st.integers(1, 50),
)
def test_answers_keep_to_it(full, limit, query, k):
    for answer in (
        full("search_memory", query=query, budget=limit, k=k),
        full("recall", query=query, budget=limit),
        full("memory_status", budget=limit),
    ):
        assert not answer.is_error and tokens(answer) <= limit


def test_what_is_cut_says_that_there_is_more(full):
    some = full("search_memory", query="story of the boats", k=40)
    shown = len(some.structured_content["memories"])
    assert 0 < shown < 40 and tokens(some) <= budget.DEFAULT
    assert some.structured_content["more"].startswith(f"{40 - shown} more")
    assert "raise budget" in some.content[0].text
    assert "raise k" in full("search_memory", query="boats", k=1).structured_content["more"]
    assert "raise budget" in full("memory_status", budget=250).structured_content["more"]


def test_the_beginning_of_a_hit_that_is_too_long(use):
    use("add_memory", content="Whales. " + "And then they sang again. " * 300)
    answer = use("search_memory", query="whales", budget=250)
    (hit,) = answer.structured_content["memories"]
    assert hit["cut"] and hit["content"].startswith("Whales.") and hit["content"].endswith("…")
    assert "beginning only" in answer.content[0].text and 200 < tokens(answer) <= 250


def test_recall_uses_most_of_it(full):
    answer = full("recall", query="What did Ana tell of the boats?", budget=800)
    assert 500 < tokens(answer) <= 800


def test_recall_is_the_same_every_time(full):
    first, second = (full("recall", query="story 12").content[0].text for _ in range(2))
    assert first == second


def test_one_endless_word_counts_by_its_bytes():
    assert budget.count("x" * 6000) == 1500
    assert budget.count("a few plain words") == 4
