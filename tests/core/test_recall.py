"""Text for a prompt: within budget, byte-stable, cited."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise

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


@pytest.mark.parametrize("endless", ["boats" * 3000, "ab12" * 2000, "เรือ" * 900])
def test_an_endless_word_is_not_taken_for_one_token(memory, endless):
    memory.add(["Ana told of the boats.", f"boats {endless}"])
    recalled = memory.recall("boats", 800)
    assert "Ana told" in recalled.text and len(recalled.text) < 4 * 800


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
    said = re.findall(r"^(\d+) (?:(?:Ana|Ben): )?(.* came up.*)$", recalled.text, re.M)
    cubes = [memory.get(id) for id in recalled.trace["cited"]]
    assert [int(number) for number, _ in said] == list(range(1, len(cubes) + 1))
    assert [line for _, line in said] == [cube.content for cube in cubes]
    assert cubes == sorted(cubes, key=lambda cube: cube.valid_from)
    assert {hit.cube.id for hit in recalled.hits} == {cube.id for cube in cubes}


def test_a_text_names_a_day_and_a_speaker_once_and_says_what_nobody_said(memory):
    at = "2023-05-08T10:00"
    memory.add([{"content": f"I was there{end}", "speaker": "Ana", "at": at} for end in ".!"])
    memory.add("7 tickets\n  for the boat", at=at)
    memory.add("480 more", at=at)
    memory.add("Ana likes boats", kind="fact", at=at)
    memory.add("What a day!", speaker="Ben", at="2024-12-31T23:59")
    assert memory.recall("boat").text == (
        "8 May 2023\n"
        "1 Ana: I was there.\n"
        "2 I was there!\n"
        "3 note: 7 tickets for the boat\n"
        "4: 480 more\n"
        "5 fact: Ana likes boats\n"
        "31 December 2024\n"
        "6 Ben: What a day!\n"
    )


def test_what_was_asked_read_and_judged_before_changes_no_byte(memory):
    text = filled(memory).recall("tea in the garden", 200).text
    for word in WORDS:
        memory.search(word, 50)
        memory.recall(word, 400)
    memory.feedback([hit.cube.id for hit in memory.search("map")], helpful=True)
    assert memory.recall("tea in the garden", 200).text == text


def test_a_larger_budget_keeps_nearly_all_of_what_a_smaller_one_had(memory):
    filled(memory)
    budgets = [40, 80, 160, 320, 640]
    cited = [set(memory.recall("tea in the garden", one).trace["cited"]) for one in budgets]
    lost = [len(few - more) for few, more in pairwise(cited)]
    assert max(lost) <= 1


def test_nothing_is_recalled_that_scores_less_than_asked_for(memory):
    filled(memory)
    least = memory.search("tea in the garden", 5)[-1].score
    recalled = memory.recall("tea in the garden", 5000, min_score=least)
    assert len(recalled.hits) >= 5
    assert all(hit.score >= least for hit in recalled.hits)
    assert memory.recall("tea in the garden", 5000, min_score=1.0).text == ""


def test_a_bare_reply_is_recalled_with_what_it_answers(memory):
    filled(memory)
    turns = [
        ("Ana", "Did you ever find the brass telescope of your grandfather?"),
        ("Ben", "Yes, on Tuesday!"),
        ("Ana", "Did the swimming pool open again?"),
        ("Ben", "Yes, on Tuesday!"),
    ]
    memory.add([{"speaker": who, "content": said} for who, said in turns], session="s")
    text = memory.recall("When was the brass telescope found?", 60).text
    assert "telescope of your grandfather?" in text and "Yes, on Tuesday!" in text
    whole = memory.recall("anything", 10_000).text
    assert whole.count("Yes, on Tuesday!") == 2  # each answers something else


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
