"""What stands beside the best of other channels, near counted in words and minutes."""

from __future__ import annotations

from typing import Any

BURST = ["the keys", "are", "on", "the", "hook"]


def talk(memory: Any, lines: list[str], apart: int = 60, **more: Any) -> None:
    """Lines of one conversation, so many seconds apart."""
    memory.add(
        [
            {"content": line, "speaker": "Ana", "at": 1_700_000_000 + place * apart}
            for place, line in enumerate(lines)
        ],
        session="s",
        **more,
    )


def test_the_next_line_counts_more_than_one_farther_off(empty, ask) -> None:
    lines = [f"{word} " * 12 for word in ("oak", "ash", "elm", "fir", "yew")]
    talk(empty, lines)
    found, told = ask("neighbours", "elm", seeds=1)
    assert found == [lines[3], lines[1], lines[4], lines[0]]
    assert told[lines[3]] == "beside elm (the line before)"
    assert told[lines[0]] == "beside elm (2 lines after)"


def test_short_lines_are_crossed_at_little_cost(empty, ask) -> None:
    long = ["where is it all kept, " * 3, *("and so on and so forth " * 3 for _ in range(4)), "end"]
    talk(empty, ["pantry?", *BURST, "thanks"])
    burst, _ = ask("neighbours", "pantry", seeds=1, reach=5)
    assert burst[:4] == BURST[:4]
    # Of the same number of long lines only the nearest are worth a mention.
    weights = dict(zip(burst, range(len(burst)), strict=True))
    assert weights["hook"] < len(burst)
    empty.add([{"content": line, "speaker": "Ben"} for line in long], session="t")
    far, _ = ask("neighbours", "kept", seeds=1, reach=6)
    assert far.index("end") == len([line for line in far if line in long]) - 1


def test_a_pause_moves_lines_apart(empty, ask) -> None:
    talk(empty, ["before the walk we met", "we saw a heron there", "good night"], apart=60)
    empty.add(
        {"content": "new day, new plan", "speaker": "Ana", "at": 1_700_000_000 - 60 * 60 * 20},
        session="s",
    )
    found, _ = ask("neighbours", "met", seeds=1, preceding=0.6)
    assert found[0] == "we saw a heron there"
    assert found[-1] == "new day, new plan"


def test_other_conversations_are_not_beside(empty, ask) -> None:
    empty.add("a heron", session="a")
    empty.add("a stork", session="b")
    assert ask("neighbours", "heron", seeds=1)[0] == []


def test_only_what_may_be_returned_is(empty) -> None:
    talk(empty, ["the heron", "flew away"])
    empty.add("Ben saw it", speaker="Ben", session="s", at=1_700_000_030)
    assert all(hit.cube.speaker == "Ben" for hit in empty.search("heron", speaker="Ben"))
