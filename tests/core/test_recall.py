"""Text for a prompt: within budget, byte-stable, cited."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from mnemon.errors import InvalidInput
from mnemon.models.embed.static import StaticEmbedder

WORDS = ["tea", "coffee", "lisbon", "garden", "train", "doctor", "recipe", "map", "Übung", "猫"]


def filled(memory):
    memory.add(
        [
            {
                "content": f"{WORDS[i % 10]} and {WORDS[i // 3 % 10]} came up, number {i}",
                "speaker": ("Ana", "Ben")[i % 2],
                "at": f"2024-0{1 + i % 9}-1{i % 7}T10:00:{i % 60:02}",
            }
            for i in range(80)
        ]
    )
    return memory


@pytest.mark.parametrize("budget", [1, 2, 5, 13, 14, 20, 37, 64, 100, 333, 1000, 5000])
def test_the_budget_holds_when_counted_again(memory, budget):
    recalled = filled(memory).recall("tea in the garden", budget)
    (tokens,) = StaticEmbedder().count_tokens([recalled.text])
    assert recalled.tokens == tokens <= budget


def test_the_callers_counter_is_the_measure(open_memory):
    memory = filled(open_memory(count_tokens=lambda texts: [len(text) for text in texts]))
    recalled = memory.recall("tea in the garden", 200)
    assert 100 < len(recalled.text) == recalled.tokens <= 200


def test_a_budget_below_one_and_k_below_one_are_refused(memory):
    with pytest.raises(InvalidInput):
        memory.recall("x", 0)
    with pytest.raises(InvalidInput):
        memory.search("x", 0)
    with pytest.raises(InvalidInput):
        memory.recall(3)


def test_the_same_memory_gives_the_same_bytes(memory, open_memory, path):
    text = filled(memory).recall("tea in the garden", 300).text
    assert memory.recall("tea in the garden", 300).text == text
    assert open_memory().recall("tea in the garden", 300).text == text
    code = "import sys; from mnemon import Memory; m = Memory(sys.argv[1], read_only=True); "
    code += "sys.stdout.buffer.write(m.recall('tea in the garden', 300).text.encode()); m.close()"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, check=True)
    assert done.stdout.decode() == text


def test_lines_are_in_time_order_numbered_and_cited(memory):
    recalled = filled(memory).recall("tea in the garden", 300)
    said = re.findall(r"^\[(\d+)\] (?:Ana|Ben): (.*)$", recalled.text, re.M)
    cubes = [memory.get(id) for id in recalled.trace["cited"]]
    assert [int(number) for number, _ in said] == list(range(1, len(cubes) + 1))
    assert [line for _, line in said] == [cube.content for cube in cubes]
    assert cubes == sorted(cubes, key=lambda cube: cube.valid_from)
    assert {hit.cube.id for hit in recalled.hits} == {cube.id for cube in cubes}


def test_the_same_thing_said_twice_is_recalled_once(memory):
    memory.add(["The plumber comes on Monday", "the  plumber comes on monday"])
    memory.add("The plumber comes on Monday", speaker="Ben")
    assert memory.recall("plumber").text.lower().count("plumber") == 2


def test_nothing_to_recall_is_an_empty_text(memory):
    recalled = memory.recall("anything")
    assert (recalled.text, recalled.hits, recalled.tokens) == ("", (), 0)


def test_scores_lie_between_0_and_1_and_min_score_cuts(memory):
    filled(memory)
    hits = memory.search("tea in the garden", 50)
    assert all(0 <= hit.score <= 1 for hit in hits)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert memory.search("tea in the garden", 50, min_score=0.5) == [
        hit for hit in hits if hit.score >= 0.5
    ]
