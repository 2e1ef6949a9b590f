"""Ten facts in the language of the bundled model."""

from __future__ import annotations

from mnemon import Memory
from mnemon.cube import Draft

FACTS = {
    "maiposhi": "x04 x1a x44 xc5",
    "foubiko": "x11 x20 x3f xa0",
}


def told(memory: Memory, facts: dict[str, str]) -> list[str]:
    """Add facts; their ids."""
    drafts = [Draft(f"the code for {who} is {code} .", kind="fact") for who, code in facts.items()]
    return [cube.id for cube in memory.add(drafts)]
