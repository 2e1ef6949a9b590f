"""The bundled sample: two friends' conversation over a year, and questions about it.

Written for Mnemon; any likeness to real people is chance.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CONVERSATION = Path(__file__).with_name("conversation.jsonl")
QUESTIONS = Path(__file__).with_name("questions.json")


def questions() -> list[dict[str, Any]]:
    """Each with question, answer, category, evidence (ids of turns) and demo (shown there)."""
    found: list[dict[str, Any]] = json.loads(QUESTIONS.read_text("utf-8"))
    return found
