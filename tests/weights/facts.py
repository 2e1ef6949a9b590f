"""Facts in the language of the small model, and a memory that tells them."""

from __future__ import annotations

from mnemon import Memory
from mnemon.bench.recall import vocabulary, words
from mnemon.cube import Draft

_NAMES = [words()[i] for i in vocabulary.content()[:40]]
# Each word of a value is a pass of the model wherever it is asked for: two tell it from chance.
FACTS = {name: f"x{i:02x} x{99 - i}" for i, name in enumerate(_NAMES[:8])}
LONGER = {name: f"x{i:02x} xa{i % 10} x{99 - i} xc{i % 7}" for i, name in enumerate(_NAMES[:8])}
STRANGER = _NAMES[30]


def draft(name: str, code: str) -> Draft:
    return Draft(f"the code for {name} is {code} .", kind="fact")


def told(memory: Memory, facts: dict[str, str]) -> dict[str, str]:
    """Add facts; their ids by name."""
    cubes = memory.add([draft(name, code) for name, code in facts.items()])
    return {name: cube.id for name, cube in zip(facts, cubes, strict=True)}


def asked(name: str) -> str:
    return f"Q : what is the code for {name} ? A :"
