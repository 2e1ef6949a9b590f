"""What nobody here ever spoke of."""

from __future__ import annotations

import pytest

from mnemon import Memory
from mnemon.store.rows import Filter
from mnemon.text.unheard import unheard


@pytest.fixture
def memory() -> Memory:
    memory = Memory(":memory:")
    memory.add("I moved to Lisbon with Ruth in March.", speaker="Ana Costa")
    memory.add("A nice flat you found there!", speaker="Ben")
    return memory


@pytest.mark.parametrize(
    ("question", "names_a_stranger"),
    [
        ("Where did Ana move?", False),
        ("What does Ben think of Ruth's flat?", False),
        ("Where did Zed move?", True),
        ("Did Will move?", False),  # a function word with a capital is no name
        ("Zed moved where?", False),  # the first word has a capital anyway
        ("where did zed move?", False),
    ],
)
def test_a_name_that_nobody_mentions_or_has(
    memory: Memory, question: str, names_a_stranger: bool
) -> None:
    view, query = memory._searcher.look(question, Filter(memory.namespace))
    assert unheard(view, query)[1] is names_a_stranger


def test_the_share_of_what_no_cube_holds(memory: Memory) -> None:
    def share(question: str) -> float:
        view, query = memory._searcher.look(question, Filter(memory.namespace))
        return unheard(view, query)[0]

    assert share("Who moved to Lisbon?") == 0.0
    assert 0.0 < share("Who moved to Porto?") < 1.0
    assert share("xylophone quartz") == 1.0
    assert share("Costa?") == 0.0  # no cube says it, but somebody is called so


def test_a_question_about_a_stranger_is_answered_with_less_confidence(memory: Memory) -> None:
    for known, stranger in (("Ruth", "Zed"), ("Lisbon", "Oslo")):
        sure = memory.search(f"Who moved with {known} in March?")[0].score
        unsure = memory.search(f"Who moved with {stranger} in March?")[0].score
        assert unsure < sure
