"""Rendering: how a cube stands in a prompt, whatever stands beside it.

The text of a cube's version is always the same bytes, and its tokens are made from it alone: so
its keys and values can be computed alone, kept, and used wherever the cube is recalled.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mnemon.assembly.text import heading, label, squeezed
from mnemon.cube import MemCube
from mnemon.models.template import speaks_recall

Render = Callable[[MemCube], str]
"""A cube → its text in a prompt; the same version must always give the same text."""


def rendered(cube: MemCube) -> str:
    """A line that says on which day, who, and what: `8 May 2023, Ana: I moved to Lisbon.`"""
    day, who = heading(cube.valid_from.date()).rstrip(), label(cube.speaker, cube.kind)
    return f"{day}, {who}: {said(cube)}" if who else f"{day}: {said(cube)}"


def said(cube: MemCube) -> str:
    """The content alone, on a line: what the bundled recall model reads."""
    return squeezed(cube.content) + "\n"


def rendering(tokenizer: Any) -> Render:
    """The way that suits a tokenizer: `said` for the recall language, else `rendered`."""
    return said if speaks_recall(tokenizer) else rendered


def tokens_of(tokenizer: Any, text: str) -> list[int]:
    """Token ids of a text by itself. What looks like a special token in it is spelled out or left
    out: no text can pass for the end of a turn."""
    given: dict[str, Any] = {"add_special_tokens": False, "split_special_tokens": True}
    special = set(tokenizer.all_special_ids) - {tokenizer.unk_token_id}
    return [one for one in tokenizer(text, **given)["input_ids"] if one not in special]
